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
