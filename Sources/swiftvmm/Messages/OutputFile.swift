import FoundationEssentials
import Glibc
import LinuxHost
import SystemPackage
import VMM

/// A file that an option such as `--report` names. It is opened before anything runs, so that a wrong path is told at once. A
/// regular file appears whole or not at all: the bytes are written beside it and moved over it. One that grows while the guest runs is
/// written in its place instead, from ``begin()`` on and by whoever has ``descriptor``.
final class OutputFile {
    private let content: String
    private let path: String
    private let remedy: String
    /// Where the bytes are written first; the path itself for a pipe or a device.
    private let temporaryPath: String
    private(set) var descriptor: Int32
    /// Whether the bytes go to a file of another name first.
    var isBeside: Bool { temporaryPath != path }
    private let growing: GrowingFile?

    /// - Parameters:
    ///   - option: the option that names it, as it is typed.
    ///   - content: what it holds, in a word for messages.
    ///   - guests: files that it must not replace.
    ///   - remedy: what to do when it cannot be written.
    ///   - grows: whether it is written bit by bit, and not by this.
    ///   - deadline: until when the reader of a pipe is waited for.
    init(
        path: String, option: String, content: String, guests: [String], remedy: String? = nil, grows: Bool = false,
        until deadline: Deadline = .never
    ) throws {
        guard !path.isEmpty else {
            throw Failure(status: .usage, message: "\(option) takes the name of a file, not an empty one")
        }
        guard !guests.contains(where: { Self.areSame(path, $0) }) else {
            throw Failure(status: .usage, message: "\(option) \(path) would replace the guest; name another file")
        }
        self.path = path
        self.content = content
        self.remedy = remedy.map { "; \($0)" } ?? ""
        var status = stat()
        // SAFETY: the path is a C string for the length of the call, the structure is the caller's own.
        let exists = unsafe stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR {
            throw Failure(
                status: .outputFailed, message: "cannot write the \(content) \(path): it is a directory\(self.remedy)")
        }
        if exists, let stream = StandardStreams.output(that: status) {
            // As /dev/stderr is, wherever it leads: the bytes take their turn there, and replace nothing.
            (temporaryPath, growing) = (path, nil)
            descriptor = fcntl(stream, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
        } else if grows {
            temporaryPath = path
            do throws(PatientCall.Failure) { growing = try GrowingFile(path, until: deadline) } catch {
                (growing, descriptor) = (nil, -1)
                throw failure(error)
            }
            descriptor = growing?.descriptor ?? -1
        } else {
            let isInPlace = exists && status.st_mode & S_IFMT != S_IFREG
            let temporaryPath = isInPlace ? path : Self.temporaryPath(beside: path)
            (self.temporaryPath, growing) = (temporaryPath, nil)
            let flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | (isInPlace ? 0 : O_CREAT | O_EXCL)
            do throws(PatientCall.Failure) {
                // SAFETY: as above.
                descriptor = try PatientCall.run(until: deadline) { unsafe open(temporaryPath, flags, 0o666) }
            } catch {
                descriptor = -1
                throw failure(error)
            }
        }
        guard descriptor >= 0 else { throw failure() }
    }

    deinit {
        // Nothing was written: nothing is left behind.
        abandon()
    }

    /// The guest begins, and with it a file that grows.
    func begin() throws(Failure) {
        do throws(Errno) { try growing?.begin() } catch { throw failure(error) }
    }

    /// Whether both paths lead to one file, which need not exist yet.
    static func areSame(_ first: String, _ second: String) -> Bool {
        if let a = identity(first), let b = identity(second) { return a == b }
        guard identity(first) == nil, identity(second) == nil else { return false }
        let (a, b) = (split(first), split(second))
        guard a.name == b.name, let folder = identity(a.folder) else { return false }
        return folder == identity(b.folder)
    }

    /// Of a name that no other has, so that nothing a killed process left is in the way, and that fits where the path's own does.
    private static func temporaryPath(beside path: String) -> String {
        "\(split(path).folder)/.swiftvmm-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    }

    private static func split(_ path: String) -> (folder: String, name: Substring) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path[...]) }
        return (path[...slash].description, path[path.index(after: slash)...])
    }

    /// The device and the number of a file that exists.
    private static func identity(_ path: String) -> [UInt64]? {
        var status = stat()
        // SAFETY: the path is a C string for the length of the call, the structure is the caller's own.
        guard unsafe stat(path, &status) == 0 else { return nil }
        return [UInt64(status.st_dev), UInt64(status.st_ino)]
    }

    /// Writes it as JSON, which ends the file.
    func write(json content: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(Array(try encoder.encode(content)) + [0x0A])
    }

    /// Writes these bytes, which are all of it.
    func write(_ content: [UInt8]) throws {
        if let error = StandardStreams.write(content, to: descriptor) { throw failureAfterAbandoning(error) }
        let isClosed = close(descriptor) == 0
        descriptor = -1
        guard isClosed else { throw failureAfterAbandoning() }
        // SAFETY: both are C strings for the length of the call.
        if temporaryPath != path, unsafe rename(temporaryPath, path) != 0 { throw failureAfterAbandoning() }
    }

    private func failureAfterAbandoning(_ error: Errno = .current) -> Failure {
        let failure = failure(error)
        if descriptor < 0 { removeTemporary() }
        abandon()
        return failure
    }

    private func abandon() {
        growing?.end()
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        removeTemporary()
    }

    private func removeTemporary() {
        // SAFETY: a C string for the length of the call.
        if temporaryPath != path { _ = unsafe unlink(temporaryPath) }
    }

    private func failure(_ error: PatientCall.Failure) -> Failure {
        Failure(error, waitingFor: path) { failure($0) }
    }

    /// By an error of the system, its last one unless given.
    func failure(_ error: Errno = .current) -> Failure {
        Failure(status: .outputFailed, message: "cannot write the \(content) \(path): \(error)\(remedy)")
    }
}
