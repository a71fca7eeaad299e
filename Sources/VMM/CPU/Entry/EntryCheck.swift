import KVM

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
