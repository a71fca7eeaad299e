/// What a manual demands of the state that a guest is entered with.
public struct EntryRule: Hashable, Sendable {
    public let authority: EntryAuthority
    /// Document and section.
    public let source: String
    /// The demand in words, as the second half of a sentence about a register.
    public let demand: String
}

extension EntryRule: CustomStringConvertible {
    public var description: String { "\(demand) (\(source))" }
}

extension EntryRule {
    /// A check of the guest-state area on VM entry.
    static func vtx(_ section: String, _ demand: String) -> EntryRule {
        EntryRule(authority: .vtx, source: entrySource(section), demand: demand)
    }

    /// A consistency check of VMRUN.
    static func amdv(_ demand: String) -> EntryRule {
        EntryRule(authority: .amdv, source: runSource, demand: demand)
    }

    /// A check that both make.
    static func both(_ section: String, _ demand: String) -> EntryRule {
        EntryRule(authority: .both, source: "\(entrySource(section)); \(runSource)", demand: demand)
    }

    /// A rule of the processor in any mode of operation.
    static func architecture(_ section: String, _ demand: String) -> EntryRule {
        EntryRule(authority: .architecture, source: "Intel SDM vol. 3A section \(section)", demand: demand)
    }

    private static func entrySource(_ section: String) -> String { "Intel SDM vol. 3C section \(section)" }
    private static let runSource = "AMD APM vol. 2 section 15.5.1"
}

/// Whose rule a state breaks.
public enum EntryAuthority: String, CaseIterable, Sendable {
    /// Intel's, on VM entry.
    case vtx = "VT-x"
    /// AMD's, on VMRUN.
    case amdv = "AMD-V"
    /// Both of the above.
    case both = "VT-x and AMD-V"
    /// Every processor's, so that KVM refuses such a state or drops a part of it before there is an entry.
    case architecture = "x86"
}

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
