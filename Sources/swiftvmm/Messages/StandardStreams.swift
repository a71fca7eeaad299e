import Glibc
import LinuxHost
import SystemPackage

/// The process's own streams. A guest's output is the only thing on standard output; what swiftvmm says goes to standard
/// error.
enum StandardStreams {
    /// Makes a closed pipe and a file that is too large errors to be reported instead of the process's silent end, and keeps a stream that was closed
    /// from becoming the next file that is opened: guest output must never reach such a file.
    static func prepare() {
        _ = signal(SIGPIPE, SIG_IGN)
        _ = signal(SIGXFSZ, SIG_IGN)
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
            // The root folder is always there, while /dev/null may not be, and neither takes nor gives a byte.
            // SAFETY: the path is a C string for the length of the call.
            _ = unsafe open("/", O_RDONLY | O_DIRECTORY)
        }
    }

    /// Prints a message of swiftvmm's own.
    static func say(_ text: String) {
        _ = write("swiftvmm: \(text)\n", to: STDERR_FILENO)
    }

    /// Prints lines that follow a message, as they are.
    static func detail(_ text: String) {
        _ = write("\(text)\n", to: STDERR_FILENO)
    }

    /// Prints what the user asked swiftvmm itself for.
    ///
    /// - Returns: whether it was written whole.
    static func answer(_ text: String) -> Bool {
        write("\(text)\n", to: STDOUT_FILENO)
    }

    /// Standard output or standard error, where it is the very file that `status` tells of.
    static func output(that status: stat) -> Int32? {
        [STDOUT_FILENO, STDERR_FILENO].first { descriptor in
            var own = stat()
            // SAFETY: the structure is the caller's own.
            guard unsafe fstat(descriptor, &own) == 0 else { return false }
            return own.st_dev == status.st_dev && own.st_ino == status.st_ino
        }
    }

    /// Which of the streams goes to the regular file at a path, if one does: what else writes there would be overwritten.
    static func regularFile(at path: String) -> String? {
        var status = stat()
        // SAFETY: the path is a C string for the length of the call, the structure is the caller's own.
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return output(that: status).map { $0 == STDOUT_FILENO ? "standard output" : "standard error" }
    }

    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        write(Array(visible(text).utf8), to: descriptor) == nil
    }

    /// Writes all of the bytes. A stream that others have made non-blocking is waited for as any other.
    ///
    /// - Returns: why they could not be written, if so.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Errno? {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the bytes live for the length of the call.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
                continue
            }
            let error = Errno.current
            guard error == .interrupted || error == .resourceTemporarilyUnavailable else { return error }
            var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            // SAFETY: one structure, the caller's own.
            if error != .interrupted { _ = unsafe poll(&request, 1, -1) }
        }
        return nil
    }

    /// The text with `\u{…}` for what a terminal would obey: names of files and of symbols may have anything in them.
    private static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isCommand) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if isCommand(scalar) {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// The control characters of ASCII and of ISO 6429, but for those that divide a text.
    private static func isCommand(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F..<0xA0: true
        default: false
        }
    }
}
