/// A register that breaks a rule of entry, with what is wrong with it.
public struct EntryViolation: Error, Equatable, Sendable {
    /// The register's name in the manuals: `CR0`, `TR`.
    public let register: String
    /// What it holds, as the first half of a sentence about it: `has type 9`.
    public let finding: String
    public let rule: EntryRule
}

extension EntryViolation: CustomStringConvertible {
    /// One line: register, value, rule and its source.
    public var description: String { "\(register) \(finding); \(rule)" }
}
