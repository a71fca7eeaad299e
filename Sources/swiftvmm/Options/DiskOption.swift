import ArgumentParser
import VMM

/// A disk as `--disk` asks for it.
struct DiskOption: Equatable, Sendable {
    let path: String
    let isReadOnly: Bool
    /// That describes the machine, where it is not an option that asks for the disk.
    var file: String?

    /// In messages.
    var label: String { file.map { "the disk \(path) of \($0)" } ?? "--disk \(path)" }
    var readOnlyForm: String { file == nil ? "\(path),ro" : "\"readOnly\": true" }

    /// Reads `FILE` or `FILE,ro`.
    ///
    /// - Throws: `ValidationError` that tells the reason and the remedy.
    static func parse(_ text: String) throws -> DiskOption {
        let isReadOnly = text.hasSuffix(",ro")
        let path = isReadOnly ? String(text.dropLast(3)) : text
        guard !path.isEmpty else { throw ValidationError("it names no file; give FILE, or FILE,ro to only read it") }
        guard !StandardInput.isNamed(path) else {
            throw ValidationError(
                "a disk is read and written at any place, which standard input cannot be; give a file, and one of the name - as ./-"
            )
        }
        if !isReadOnly, let comma = path.lastIndex(of: ","),
            ["rw", "readonly", "format=raw"].contains(path[comma...].dropFirst())
        {
            throw ValidationError(
                "\(path[comma...].dropFirst()) is no option of a disk; give FILE, or FILE,ro to only read it")
        }
        return DiskOption(path: path, isReadOnly: isReadOnly)
    }
}
