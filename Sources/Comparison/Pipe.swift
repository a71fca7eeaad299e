import Glibc
import LinuxHost
import SystemPackage

/// A pipe from a child, or to it. It holds a megabyte where the system allows it.
final class Pipe {
    private static let size: Int32 = 1 << 20

    let reader: Int32
    let writer: Int32
    private var isWriterOpen = true
    private var isReaderOpen = true

    init() throws(ComparisonError) {
        var ends: [Int32] = [-1, -1]
        // SAFETY: the list has room for both.
        guard unsafe pipe(&ends) == 0 else {
            throw .fault("cannot make a pipe: \(Errno.current)")
        }
        (reader, writer) = (ends[0], ends[1])
        // No other thread starts a process that could get them.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(reader, Self.setSize, Self.size)
    }

    deinit {
        closeWriter()
        closeReader()
    }

    /// The writing end's path for a child that has it.
    var childPath: String { "/proc/self/fd/\(writer)" }

    func closeWriter() {
        if isWriterOpen { close(writer) }
        isWriterOpen = false
    }

    func closeReader() {
        if isReaderOpen { close(reader) }
        isReaderOpen = false
    }

    /// Gives the child a few bytes. That it is no longer there is told by its end.
    func send(_ bytes: [UInt8]) {
        // SAFETY: the bytes live for the length of the call.
        _ = unsafe bytes.withUnsafeBytes { unsafe write(writer, $0.baseAddress, $0.count) }
    }

    /// Waits for bytes, as many as the buffer holds at most.
    ///
    /// - Returns: how many came; 0 at the end.
    /// - Throws: when a signal asks for the command's end.
    func read(into buffer: inout [UInt8]) throws(ComparisonError) -> Int {
        while true {
            // SAFETY: the buffer is as long as it says.
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(reader, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            guard errno == EINTR else {
                throw .fault("cannot read a pipe: \(Errno.current)")
            }
            try StopSignals.check()
        }
    }

    /// Waits for bytes, or the end; a signal that comes just before is seen, too.
    ///
    /// - Returns: false when that moment came first.
    @discardableResult
    func waitForBytes(until end: ContinuousClock.Instant? = nil) throws(ComparisonError) -> Bool {
        try StopSignals.check()
        while try !hasBytes(within: 100) {
            if let end, ContinuousClock.now >= end { return false }
        }
        return true
    }

    /// Whether there is something, or the end, within so many milliseconds, as long as no signal comes.
    func hasBytes(within milliseconds: Int32) throws(ComparisonError) -> Bool {
        var poll = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, the caller's own.
        let count = unsafe Glibc.poll(&poll, 1, milliseconds)
        try StopSignals.check()
        return count > 0
    }

    /// What has come by now: all that a process that has ended has written. Others may still have the pipe open.
    func readWhatIsThere(limit: Int = 1 << 20) throws(ComparisonError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < limit, try waitForBytes(until: .now) {
            let count = try read(into: &buffer)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// All that comes until the end, or the first bytes of it.
    func readToEnd(limit: Int = 1 << 20) throws(ComparisonError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < limit {
            let count = try read(into: &buffer)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// F_SETPIPE_SZ, which the system's headers hide from Swift (`fcntl(2)`).
    private static let setSize: Int32 = 1031
}
