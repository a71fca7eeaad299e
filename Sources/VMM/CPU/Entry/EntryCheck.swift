import KVM

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

/// A rule joined to a register, and how to see that the register breaks it.
struct EntryCheck: Sendable {
    let register: String
    let rule: EntryRule
    /// What is wrong, as ``EntryViolation/finding``; nil where the rule holds or does not apply.
    let finding: @Sendable (EntryContext) -> String?

    init(_ register: String, _ rule: EntryRule, finding: @escaping @Sendable (EntryContext) -> String?) {
        self.register = register
        self.rule = rule
        self.finding = finding
    }

    func violation(in context: EntryContext) -> EntryViolation? {
        finding(context).map { EntryViolation(register: register, finding: $0, rule: rule) }
    }

    /// The same rule for several segment registers.
    static func each(
        _ registers: [EntrySegment], _ rule: EntryRule,
        finding: @escaping @Sendable (Segment, EntryContext) -> String?
    ) -> [EntryCheck] {
        registers.map { register in
            EntryCheck(register.rawValue, rule) { finding($0[register], $0) }
        }
    }

    /// Intel SDM vol. 3C sections 27.3.1.1 to 27.3.1.4.
    static let inManualOrder: [EntryCheck] = [
        [controlRegisters, featureRegisters],
        descriptorFields, selectors, bases, virtual8086,
        codeSegment, codePrivilege, stackSegment, dataSegments, granularity, taskRegister, localTable,
        [descriptorTables, instructionPointer, flags],
    ].flatMap { $0.flatMap(\.self) }
}
