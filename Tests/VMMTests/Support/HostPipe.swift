import Glibc

/// A pipe of the system. Both ends are closed with it.
final class HostPipe: Sendable {
    let readEnd: OwnedEnd
    let writeEnd: OwnedEnd

    /// One end, which can be closed early.
    final class OwnedEnd: @unchecked Sendable {
        // Only the thread that closes it changes it, and no other uses it then.
        private(set) var number: Int32

        init(_ number: Int32) {
            self.number = number
        }

        deinit {
            close()
        }

        func close() {
            if number >= 0 { _ = Glibc.close(number) }
            number = -1
        }
    }

    /// - Parameter flags: status flags for the end that is written to (`fcntl(2)`, F_SETFL).
    init(flags: Int32 = 0) {
        var ends: [Int32] = [-1, -1]
        // Not for processes that other tests make: an end that such a one has would stay open.
        // SAFETY: room for two numbers.
        let result = unsafe pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        precondition(result == 0 && fcntl(ends[1], F_SETFL, flags) == 0, "the system gives no pipe")
        readEnd = OwnedEnd(ends[0])
        writeEnd = OwnedEnd(ends[1])
    }

    /// Writes all bytes, waiting for a reader.
    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the bytes live for the length of the call.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(writeEnd.number, $0.baseAddress, $0.count) }
            precondition(count > 0)
            rest = rest.dropFirst(count)
        }
    }

    /// What one read gives, waiting for a writer; empty at the end.
    func read(upTo room: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: room)
        // SAFETY: the buffer holds `room` bytes.
        let count = unsafe Glibc.read(readEnd.number, &buffer, room)
        return Array(buffer.prefix(max(0, count)))
    }

    /// Everything up to the end, or until as many bytes have come as asked for.
    func readAll(upTo limit: Int = .max) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let part = read(upTo: min(limit - bytes.count, 1 << 16))
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    /// How many bytes wait in it.
    var waitingCount: Int {
        var count: Int32 = 0
        // SAFETY: FIONREAD stores an int.
        _ = unsafe withUnsafeMutablePointer(to: &count) { unsafe ioctl(readEnd.number, UInt(FIONREAD), $0) }
        return Int(count)
    }
}
