import ArgumentParser
import Glibc
import VMM

/// What a console of the guest is connected to.
enum ConsoleEnd: Equatable, Sendable {
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

    static let completion = CompletionKind.list(["stdio", "null", "file:", "pty", "unix:"])

    /// How long a socket's path may be, in bytes (unix(7)).
    static let longestSocketPath = 107

    /// - Throws: `ValidationError` that tells the reason and the remedy.
    static func parse(_ text: String) throws -> ConsoleEnd { try parse(text, forms: forms) }

    /// - Parameter forms: what may be given.
    static func parse(_ text: String, forms: String) throws -> ConsoleEnd {
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

/// A guest's device that has an end on this side.
enum ConsoleDevice: String, CaseIterable, ExpressibleByArgument, Sendable {
    case uart
    case uart2
    case virtio

    var label: ConsoleLabel {
        switch self {
        case .uart: ConsoleLabel(name: "serial port", option: "--serial ")
        case .uart2: ConsoleLabel(name: "second serial port", option: "--serial2 ")
        case .virtio: ConsoleLabel(name: "virtio-console", option: "--virtio-console ")
        }
    }
}

/// What messages call an end of a console, and how it is chosen.
struct ConsoleLabel: Equatable, Sendable {
    /// As in "the serial port".
    let name: String
    /// What stands before the end on the command line, as `--serial ` does.
    let option: String
}

/// A port of the virtio-console beside the console itself, as `--virtio-port` asks for it.
struct VirtioPort: Equatable, Sendable {
    let name: String
    let end: ConsoleEnd

    var label: ConsoleLabel { ConsoleLabel(name: "port \(name)", option: "--virtio-port \(name)=") }

    /// Reads `NAME=END`. The name is looked at together with the others'.
    ///
    /// - Throws: `ValidationError` that tells the reason and the remedy.
    static func parse(_ text: String) throws -> VirtioPort {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            throw ValidationError("it has no end; give NAME=END, as log=file:guest.log")
        }
        let end = try ConsoleEnd.parse(parts[1], forms: ConsoleEnd.portForms)
        guard end != .stdio else {
            throw ValidationError("stdio is for consoles; give \(ConsoleEnd.portForms)")
        }
        return VirtioPort(name: parts[0], end: end)
    }
}
