import ArgumentParser
import Glibc

/// What a console of the guest is connected to.
enum ConsoleBackEnd: Equatable, Sendable {
    case stdio
    /// Nothing comes, and what goes is lost.
    case null
    /// A new or emptied file takes what the guest sends.
    case file(String)
    case pseudoTerminal
    /// A stream socket that a program listens at.
    case socket(String)

    static let forms = "stdio, \(portForms)"
    /// Those of a port, which has no part in the standard streams.
    static let portForms = "null, file:PATH, pty or unix:PATH"

    /// How long a socket's path may be, in bytes (unix(7)).
    static let longestSocketPath = 107

    /// - Throws: `ValidationError` that tells the reason and the remedy.
    static func parse(_ text: String) throws -> ConsoleBackEnd { try parse(text, forms: forms) }

    /// - Parameter forms: what may be given.
    static func parse(_ text: String, forms: String) throws -> ConsoleBackEnd {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.dropFirst().first) {
        case ("stdio", nil): return .stdio
        case ("null", nil): return .null
        case ("pty", nil): return .pseudoTerminal
        case ("file", let path?) where !path.isEmpty: return .file(path)
        case ("unix", let path?) where !path.isEmpty:
            guard path.utf8.count <= longestSocketPath else {
                throw ValidationError("a socket's path has \(longestSocketPath) bytes at most; give a shorter one")
            }
            return .socket(path)
        default: throw ValidationError("it is no end of a line; give \(forms)")
        }
    }
}
