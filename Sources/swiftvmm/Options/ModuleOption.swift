import Glibc
import VMM

/// A file that the guest is given beside its image, as `--initrd` asks for it, or a file that describes a machine.
struct ModuleOption: Equatable, Sendable {
    let path: String
    let arguments: String
    /// In messages.
    let label: String

    /// - Parameter text: a file, or a file and behind the first space what the guest is told of it.
    init(_ text: String) {
        // SAFETY: a C string for the length of the call.
        if let space = text.firstIndex(of: " "), unsafe access(text, F_OK) != 0 {
            path = String(text[..<space])
        } else {
            path = text
        }
        arguments = String(text.dropFirst(path.count + 1))
        label = "--initrd \(text)"
    }

    init(_ module: MachineDescription.Module, of file: String) {
        (path, arguments) = (module.path, module.arguments)
        label = "the module \(path) of \(file)"
    }

    var module: BootModule { BootModule(StandardInput.source(path), arguments: arguments) }
}
