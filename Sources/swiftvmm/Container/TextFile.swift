import Glibc
import KVM

/// Writes to files that are there already, with one call: those of the kernel take a text in one piece.
enum TextFile {
    /// - Parameter flags: as open(2) takes them, besides those for writing.
    /// - Returns: what went wrong.
    static func write(_ text: String, to path: String, flags: Int32 = 0) -> SystemError? {
        // SAFETY: a C string for the length of the call.
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC | flags)
        guard file >= 0 else { return SystemError.current }
        defer { close(file) }
        // SAFETY: the text lives for the length of the call, and its count is in bytes.
        guard unsafe Glibc.write(file, text, text.utf8.count) == text.utf8.count else { return SystemError.current }
        return nil
    }
}
