import ArgumentParser
import VMM

/// A port of the virtio-console beside the console itself, as `--virtio-port` asks for it.
struct VirtioPort: Equatable, Sendable {
    let name: String
    let end: ConsoleBackEnd

    var label: ConsoleLabel { ConsoleLabel(name: "port \(name)", option: "--virtio-port \(name)=") }

    /// Reads `NAME=END`. The name is looked at together with the others'.
    ///
    /// - Throws: `ValidationError` that tells the reason and the remedy.
    static func parse(_ text: String) throws -> VirtioPort {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            throw ValidationError("it has no end; give NAME=END, as log=file:guest.log")
        }
        let end = try ConsoleBackEnd.parse(parts[1], forms: ConsoleBackEnd.portForms)
        guard end != .stdio else {
            throw ValidationError("stdio is for consoles; give \(ConsoleBackEnd.portForms)")
        }
        return VirtioPort(name: parts[0], end: end)
    }
}
