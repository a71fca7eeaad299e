import Glibc
import LinuxHost
import TestSupport
import Testing

/// A pseudo-terminal's first side without O_NONBLOCK cannot be opened anew: it is asked before each call.
@Suite("Streams that must ask before they read or write")
struct CarefulStreamTests {
    @Test("nothing that has come is no wait, and what has come is read")
    func reads() {
        let ends = Ends.pseudoTerminal()
        let stream = Stream(ends.first.number, for: .reading)
        #expect(stream.mayBlock && !ends.first.isNonblocking)
        #expect(stream.read(upTo: 10) == .failure(-EAGAIN))
        ends.second.write([1, 2, 3])
        var received: [UInt8] = []
        #expect(
            happens {
                if case .success(let part) = stream.read(upTo: 2) { received += part }
                return received.count == 3
            })
        #expect(received == [1, 2, 3])
        #expect(stream.read(upTo: 10) == .failure(-EAGAIN))
    }

    @Test("a terminal that nobody reads takes what it has room for, and then there is none")
    func full() {
        let ends = Ends.pseudoTerminal()
        let stream = Stream(ends.first.number, for: .writing)
        var (count, refusals) = (0, 0)
        // Byte by byte: how much room there is nothing tells. What it passes on makes room a moment later.
        while count < 1 << 20, refusals < 3 {
            let result = stream.write([UInt8(truncatingIfNeeded: count % 251)])
            if result == 1 {
                (count, refusals) = (count + 1, 0)
            } else {
                #expect(result == Int(-EAGAIN))
                refusals += 1
                usleep(10_000)
            }
        }
        #expect((1_000..<1 << 20).contains(count))
        // All of it was taken, and there is room again.
        var read: [UInt8] = []
        while read.count < count, let part = ends.second.read(upTo: count - read.count) { read += part }
        #expect(read == (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) })
        #expect(happens { stream.write([1]) == 1 })
    }

    @Test("of several buffers it writes from the first that is not empty, and no more than 4,096 bytes")
    func parts() {
        let ends = Ends.pseudoTerminal()
        let stream = Stream(ends.first.number, for: .writing)
        #expect(stream.write([1, 2, 3, 4], buffers: 2) == 2)
        #expect((1...4_096).contains(stream.write([UInt8](repeating: 5, count: 5_000))))
        #expect(stream.write([]) == 0)
    }

    @Test("when the other side is closed a read tells so, and when it is opened again bytes come")
    func hungUp() throws {
        let ends = Ends.pseudoTerminal()
        let stream = Stream(ends.first.number, for: .reading)
        let path = try #require(Ends.terminalPath(of: ends.second.number))
        ends.second.close()
        #expect(happens { stream.read(upTo: 10) == .failure(-EIO) })
        let other = Ends.End(open(path, O_RDWR))
        other.write([7])
        var result = ReadResult.failure(0)
        #expect(
            happens {
                result = stream.read(upTo: 10)
                return result == .success([7])
            })
    }

    @Test("a read that another process was quicker with does not wait", arguments: ["pipe", "socket"])
    func instant(kind: String) {
        let ends = kind == "pipe" ? Ends.pipe() : .socketPair()
        func read(_ number: Int32) -> ReadResult {
            var bytes = [UInt8](repeating: 0, count: 4)
            var span = bytes.mutableSpan
            // SAFETY: any bytes are elements of a byte span.
            var raw = unsafe span.mutableBytes
            let count = InstantRead.read(number, into: &raw)
            return count < 0 ? .failure(Int32(clamping: count)) : .success(Array(bytes.prefix(count)))
        }
        #expect(read(ends.first.number) == .failure(-EAGAIN))
        ends.second.write([1, 2, 3, 4, 5])
        #expect(read(ends.first.number) == .success([1, 2, 3, 4]))
        #expect(read(ends.first.number) == .success([5]))
        #expect(read(ends.first.number) == .failure(-EAGAIN))
        ends.second.close()
        #expect(happens { read(ends.first.number) == .success([]) })
        #expect(read(1_000_000) == .failure(-EBADF))
        #expect(!ends.first.isNonblocking)
    }
}
