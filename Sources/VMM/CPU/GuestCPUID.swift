import KVM

extension CPUID {
    /// What a guest's vCPU is told, from what the host supports: the answers that tell the number of a processor and how many
    /// there are would be the host's, and are replaced. All vCPUs are cores of one package, without threads, that share the last cache.
    ///
    /// Bits, and why they are not as KVM_GET_SUPPORTED_CPUID has them:
    ///
    /// | leaf, register, bit | is | because |
    /// |---|---|---|
    /// | 1 ECX 31, hypervisor | 1 | the leaf 0x4000_0000 is there; some kernels' answer has it clear, and Linux then uses neither KVM's clock nor its APIC's timer rightly |
    /// | 1 ECX 5, VMX; 0x8000_0001 ECX 2, SVM | 0 | no guest of a guest is offered: its state would be lost by pause and copy |
    /// | 1 ECX 24, TSC deadline | 1 with a local APIC where KVM has the timer | the answer never has it; the kernel of the host is asked apart (api.rst 4.46) |
    /// | 1 ECX 21, x2APIC; 1 EDX 9, APIC | 0 without local APIC | there is none to talk to |
    /// | 1 EDX 28, HTT | 1 with several vCPUs | the count in EBX holds |
    ///
    /// Sources: Intel SDM vol. 2A, CPUID leaves 1, 4, 0xB and 0x1F; AMD APM vol. 3, appendix E, leaves 0x8000_0001, 0x8000_0008,
    /// 0x8000_001D and 0x8000_001E; Linux Documentation/virt/kvm/x86/cpuid.rst.
    ///
    /// - Parameters:
    ///   - vcpu: from 0 on, below `count`.
    ///   - count: 1 to 255.
    ///   - hasDeadlineTimer: whether KVM's local APIC has a timer that compares with the time stamp counter.
    func forGuest(vcpu: UInt32, of count: Int, hasLocalAPIC: Bool, hasDeadlineTimer: Bool = false) -> CPUID {
        let count = UInt32(clamping: count)
        // How many bits of an APIC's number tell the core.
        let coreBits = UInt32(truncatingIfNeeded: UInt32.bitWidth - max(1, count &- 1).leadingZeroBitCount)
        let bits = count > 1 ? coreBits : 0
        // The host tells of its own processors' levels, and not of each: they are made anew.
        let topology = [0xB, 0x1F].filter { self[$0] != nil }.flatMap { function in
            (0...2).map { Self.topology(function, level: $0, vcpu: vcpu, count: count, bits: bits) }
        }
        return CPUID(
            leaves.filter { ![0xB, 0x1F].contains($0.function) }.map { leaf in
                var leaf = leaf
                switch leaf.function {
                case 0x1:
                    leaf.ebx = leaf.ebx & 0xFFFF | min(0xFF, 1 << bits) << 16 | vcpu << 24
                    // HTT: the count in EBX holds.
                    leaf.edx = leaf.edx & ~(1 << 28) | (count > 1 ? 1 << 28 : 0)
                    leaf.ecx = leaf.ecx & ~(1 << 5 | 1 << 24) | 1 << 31
                    if hasLocalAPIC {
                        if hasDeadlineTimer { leaf.ecx |= 1 << 24 }
                    } else {
                        leaf.edx &= ~(1 << 9)
                        leaf.ecx &= ~(1 << 21)
                    }
                // Each cache's kind in bits 4 to 0, 0 after the last: EAX has the cores of the package in bits 31 to 26.
                case 0x4 where leaf.eax & 0x1F != 0:
                    leaf.eax = leaf.eax & 0x03FF_FFFF | min(0x3F, (1 << bits) &- 1) << 26
                    leaf.eax = Self.sharing(leaf.eax, bits: bits)
                case 0x8000_001D where leaf.eax & 0x1F != 0: leaf.eax = Self.sharing(leaf.eax, bits: bits)
                case 0x8000_0001: leaf.ecx &= ~(1 << 2)
                // SVM's revision and features.
                case 0x8000_000A: (leaf.eax, leaf.ebx, leaf.ecx, leaf.edx) = (0, 0, 0, 0)
                case 0x8000_0008:
                    leaf.ecx = leaf.ecx & ~0xF0FF | bits << 12 | (count &- 1)
                case 0x8000_001E:
                    leaf.eax = vcpu
                    leaf.ebx = leaf.ebx & ~0xFFFF | vcpu
                    leaf.ecx &= ~0x7FF
                default: break
                }
                return leaf
            } + topology)
    }

    /// A cache's EAX with how many processors share it, less one, in bits 25 to 14: all of them from level 3 on (bits 7 to 5), which on the
    /// host may be others than here.
    private static func sharing(_ eax: UInt32, bits: UInt32) -> UInt32 {
        let others: UInt32 = (eax >> 5) & 7 >= 3 ? (1 << bits) &- 1 : 0
        return eax & ~(0xFFF << 14) | others << 14
    }

    /// Level 0 is the threads of a core, one; level 1 the cores. EAX tells how many bits of the number lie below the next level,
    /// EBX how many processors there are in this one, ECX the level's kind and number.
    private static func topology(_ function: UInt32, level: UInt32, vcpu: UInt32, count: UInt32, bits: UInt32) -> Leaf {
        let (eax, ebx, kind): (UInt32, UInt32, UInt32) =
            switch level {
            case 0: (0, 1, 1)
            case 1: (bits, count, 2)
            default: (0, 0, 0)
            }
        return Leaf(
            function: function, index: level, dependsOnIndex: true, eax: eax, ebx: ebx, ecx: kind << 8 | level,
            edx: vcpu)
    }
}
