import Glibc

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
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // SAFETY: the bytes live for the length of the call.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
