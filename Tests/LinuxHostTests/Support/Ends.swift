import Glibc
import LinuxHost
import Synchronization

/// Two descriptors that belong together. Both are closed with this object, unless they were before. A process that another
/// test starts has them, too, for a moment: what a test expects of a closed end it waits for.
final class Ends: Sendable {
    /// Of a pipe the one that is read; of a pseudo-terminal its first side.
    let first: End
    /// Of a pipe the one that is written to.
    let second: End

    /// One of them.
    final class End: Sendable {
        let number: Int32
        private let isClosed = Atomic<Bool>(false)

        init(_ number: Int32) {
            self.number = number
        }

        deinit {
            close()
        }

        func close() {
            if !isClosed.exchange(true, ordering: .sequentiallyConsistent) { _ = Glibc.close(number) }
        }

        /// Whether the open file has O_NONBLOCK.
        var isNonblocking: Bool { fcntl(number, F_GETFL) & O_NONBLOCK != 0 }

        func setNonblocking() { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }

        /// What one write(2) takes.
        @discardableResult
        func write(_ bytes: [UInt8]) -> Int {
            // SAFETY: the bytes live for the length of the call.
            unsafe Glibc.write(number, bytes, bytes.count)
        }

        /// What one read(2) gives; nil where it fails.
        func read(upTo room: Int) -> [UInt8]? {
            var buffer = [UInt8](repeating: 0, count: room)
            // SAFETY: the buffer holds as many bytes as it counts.
            let count = unsafe Glibc.read(number, &buffer, room)
            return count < 0 ? nil : Array(buffer.prefix(count))
        }
    }

    private init(_ first: Int32, _ second: Int32) {
        precondition(first >= 0 && second >= 0, "the system gives no descriptors")
        for end in [first, second] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.first = End(first)
        self.second = End(second)
    }

    static func pipe() -> Ends {
        var ends: [Int32] = [-1, -1]
        // SAFETY: room for two numbers.
        _ = unsafe Glibc.pipe(&ends)
        return Ends(ends[0], ends[1])
    }

    static func socketPair() -> Ends {
        var ends: [Int32] = [-1, -1]
        // SAFETY: room for two numbers.
        _ = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        return Ends(ends[0], ends[1])
    }

    /// A pseudo-terminal that passes bytes as they are.
    static func pseudoTerminal() -> Ends {
        var ends: (Int32, Int32) = (-1, -1)
        var settings = termios()
        // SAFETY: the descriptors and the settings are the caller's own; no name is asked for.
        _ = unsafe openpty(&ends.0, &ends.1, nil, nil, nil)
        _ = unsafe tcgetattr(ends.1, &settings)
        unsafe cfmakeraw(&settings)
        _ = unsafe tcsetattr(ends.1, TCSANOW, &settings)
        return Ends(ends.0, ends.1)
    }

    /// A pipe with a name, which is gone again.
    static func fifo() -> Ends {
        let path = TemporaryPath()
        // SAFETY: C strings for the length of the calls.
        _ = unsafe mkfifo(path.path, 0o600)
        let both = open(path.path, O_RDWR)
        return Ends(open(path.path, O_RDONLY), both)
    }

    static func terminalPath(of terminal: Int32) -> String? {
        var name = [CChar](repeating: 0, count: 64)
        // SAFETY: the call fills the array, whose size it is told, with a string and its end.
        guard unsafe ttyname_r(terminal, &name, name.count) == 0 else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Opens a file; the descriptor is not waited for, and is closed at an exec.
func open(_ path: String, _ flags: Int32) -> Int32 {
    // SAFETY: a C string for the length of the call.
    unsafe Glibc.open(path, flags | O_NOCTTY | O_CLOEXEC, 0o600)
}

/// A path where nothing is. What a test puts there is removed with this object.
final class TemporaryPath: Sendable {
    private static let next = Atomic<Int>(0)
    let path =
        "/tmp/swiftvmm-host-test-\(getpid())-\(TemporaryPath.next.add(1, ordering: .relaxed).newValue)"

    deinit {
        // SAFETY: a C string for the length of the call.
        _ = unsafe remove(path)
    }

    /// Opens a new file there.
    func makeFile() -> Ends.End { Ends.End(open(path, O_RDWR | O_CREAT | O_EXCL)) }
}
