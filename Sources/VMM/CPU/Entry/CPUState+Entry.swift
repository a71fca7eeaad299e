extension CPUState {
    /// The first rule of VT-x or AMD-V that keeps a guest from being entered with this state, in the order of the Intel
    /// manual; nil where both enter it.
    ///
    /// The strictest host decides: VT-x without unrestricted guest and without KVM's emulation of invalid guest state,
    /// or an AMD-V that refuses what it may refuse. What KVM changes before it enters is not held against a state: bit
    /// 1 of RFLAGS and CR0.NE, which it sets; the limits and the selectors' RPL of real mode, which such a VT-x host
    /// runs as virtual-8086 mode; a segment that is not present, which becomes an unusable one.
    ///
    /// The function knows nothing of the host and of memory. It does not see whether CPUID offers what CR4, EFER.NXE or
    /// x2APIC mode turn on, whether page tables and descriptor tables hold what they should, or what the first
    /// instruction does. Injected events and debug registers are no part of this state.
    ///
    /// - Parameter physicalAddressBits: the width of the vCPU's physical addresses (`CPUID.physicalAddressBits`). The
    ///   default is the architecture's limit, which refuses least; a value outside 32 to 52 counts as the nearer of the
    ///   two.
    public func entryViolation(physicalAddressBits: Int = 52) -> EntryViolation? {
        let context = EntryContext(self, physicalAddressBits: physicalAddressBits)
        for check in EntryCheck.inManualOrder {
            if let violation = check.violation(in: context) { return violation }
        }
        return nil
    }

    /// All rules that the state breaks, in the order of the Intel manual; see ``entryViolation(physicalAddressBits:)``.
    /// One wrong bit can break several.
    public func entryViolations(physicalAddressBits: Int = 52) -> [EntryViolation] {
        let context = EntryContext(self, physicalAddressBits: physicalAddressBits)
        return EntryCheck.inManualOrder.compactMap { $0.violation(in: context) }
    }
}
