import Glibc
import LinuxHost
import SystemPackage

/// Files that are there already, read and written with one call each: those of the kernel give and take a text in one piece.
enum TextFile {
    /// - Parameter flags: as open(2) takes them, besides those for writing.
    /// - Returns: what went wrong.
    static func write(_ text: String, to path: String, flags: Int32 = 0) -> Errno? {
        // SAFETY: a C string for the length of the call.
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC | flags)
        guard file >= 0 else { return Errno.current }
        defer { close(file) }
        // SAFETY: the text lives for the length of the call, and its count is in bytes.
        guard unsafe Glibc.write(file, text, text.utf8.count) == text.utf8.count else { return Errno.current }
        return nil
    }

    /// None where it cannot be read.
    static func lines(of path: String) -> [String] {
        // SAFETY: a C string for the length of the call.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        // SAFETY: the buffer is as long as it says.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
