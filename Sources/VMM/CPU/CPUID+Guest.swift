import KVM

extension CPUID {
    /// What a guest's vCPU is told, from what the host supports: the answers that hold the number of a processor are the
    /// host's, and are replaced (Intel SDM vol. 2A, CPUID leaves 1, 0xB and 0x1F).
    ///
    /// Without interrupt controllers in the kernel there is no local APIC, and the guest is told so.
    func forGuest(vcpu: UInt32, hasLocalAPIC: Bool) -> CPUID {
        CPUID(
            leaves.map { leaf in
                var leaf = leaf
                switch leaf.function {
                case 0x1:
                    leaf.ebx = leaf.ebx & 0x00FF_FFFF | vcpu << 24
                    guard !hasLocalAPIC else { break }
                    leaf.edx &= ~(1 << 9)  // APIC
                    leaf.ecx &= ~(1 << 21 | 1 << 24)  // x2APIC, and its timer's deadline mode
                case 0xB, 0x1F: leaf.edx = vcpu
                default: break
                }
                return leaf
            })
    }
}
