import FoundationEssentials
import Glibc
import KVM
import VMM

/// The file that `--report` names. It is opened before the guest runs, so that a wrong path is told at once. A regular file
/// appears whole or not at all: the text is written beside it and moved over it.
struct ReportFile {
    private let path: String
    /// Where the text is written first; the path itself for a pipe or a device.
    private let temporaryPath: String
    private let descriptor: Int32

    /// - Parameter image: a file that the report must not replace.
    init(path: String, image: String) throws {
        guard !path.isEmpty else {
            throw Failure(status: .usage, message: "--report takes the name of a file, not an empty one")
        }
        guard !Self.areSame(path, image) else {
            throw Failure(status: .usage, message: "--report \(path) would replace the guest; name another file")
        }
        self.path = path
        var status = stat()
        // SAFETY: the path is a C string for the length of the call, the structure is the caller's own.
        let exists = unsafe stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR {
            throw Failure(status: .outputFailed, message: "cannot write the report \(path): it is a directory")
        }
        if exists, let stream = StandardStreams.output(that: status) {
            // As /dev/stderr is, wherever it leads: the report takes its turn there, and replaces nothing.
            temporaryPath = path
            descriptor = fcntl(stream, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
        } else {
            let isInPlace = exists && status.st_mode & S_IFMT != S_IFREG
            temporaryPath = isInPlace ? path : "\(path).\(getpid()).tmp"
            // SAFETY: as above.
            descriptor = unsafe open(
                temporaryPath, O_WRONLY | O_CLOEXEC | (isInPlace ? 0 : O_CREAT | O_EXCL), 0o666)
        }
        if descriptor < 0, errno == EINTR, let signal = StopSignals.caught {
            let summary = StopSummary(.signal(signal), unwritten: 0)
            throw Failure(status: summary.status, message: summary.message)
        }
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    /// Whether both paths lead to one file.
    static func areSame(_ first: String, _ second: String) -> Bool {
        var (a, b) = (stat(), stat())
        // SAFETY: the paths are C strings for the length of the calls, the structures are the caller's own.
        guard unsafe stat(first, &a) == 0, unsafe stat(second, &b) == 0 else { return false }
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino
    }

    func write(_ content: RunReportFile) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var bytes = Array(try encoder.encode(content))[...]
        bytes.append(0x0A)
        while !bytes.isEmpty {
            // SAFETY: the bytes live for the length of the call.
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw abandon() }
            bytes = bytes.dropFirst(count)
        }
        guard close(descriptor) == 0 else { throw abandon() }
        // SAFETY: both are C strings for the length of the call.
        if temporaryPath != path, unsafe rename(temporaryPath, path) != 0 { throw abandon() }
    }

    /// The error, with nothing left behind.
    private func abandon() -> Failure {
        let failure = Self.failure(path)
        // SAFETY: a C string for the length of the call.
        if temporaryPath != path { _ = unsafe unlink(temporaryPath) }
        return failure
    }

    private static func failure(_ path: String) -> Failure {
        Failure(status: .outputFailed, message: "cannot write the report \(path): \(SystemError.current)")
    }
}
