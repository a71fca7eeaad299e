import Glibc
import LinuxHost
import SystemPackage
import TestSupport
import Testing

@Suite("Calls that the system refuses")
struct HostErrorTests {
    @Test("a result is passed on, and nobody is asked what it was for", arguments: [0, 1, .max])
    func result(_ result: Int) throws {
        let asked = Record<Int>()
        func operation() -> String {
            asked.append(1)
            return "do it"
        }
        #expect(try HostError.check(result, operation()) == result)
        #expect(asked.count == 0)
    }

    @Test(
        "a negative error number is an error with the operation and the reason",
        arguments: [EPERM, EAGAIN, EBADF, ENOMEM])
    func failure(code: Int32) {
        #expect(throws: HostError("do it", Errno(rawValue: code))) { try HostError.check(Int(-code), "do it") }
    }

    @Test("it is one line in words")
    func words() {
        #expect(HostError("make a loop", .noMemory).description == "cannot make a loop: Cannot allocate memory")
    }

    @Test("an error number is made of any negative result, and of the last failed call")
    func numbers() {
        #expect(Errno(negated: Int(-EPIPE)) == .brokenPipe)
        #expect(Errno(negated: .min).rawValue == 0)
        #expect(close(-1) == -1)
        #expect(Errno.current == .badFileDescriptor)
    }

    @Test("an eventfd counts, is taken as a whole, and is then empty")
    func events() throws {
        let event = try EventFD()
        #expect(event.take() == 0)
        for _ in 0..<5 { event.signal() }
        #expect(event.take() == 5)
        #expect(event.take() == 0)
    }

    @Test("the monotonic clock does not go back, and a thread's time counts its work alone")
    func clocks() throws {
        let record = Record<Bool>()
        let thread = try SystemThread {
            var last = MonotonicClock.now
            let start = MonotonicClock.threadTime
            for _ in 0..<10_000 {
                let now = MonotonicClock.now
                record.append(now >= last)
                last = now
            }
            record.append(MonotonicClock.threadTime > start)
        }
        thread.join()
        #expect(record.all.allSatisfy(\.self) && record.count == 10_001)
    }

    @Test("mapped memory is zero, and has the size that was asked for; what is too much is an error")
    func memory() throws {
        let memory = try HostMemory(size: 8192)
        #expect(memory.size == 8192)
        // SAFETY: the memory lives until the end of the test.
        #expect(unsafe memory.bytes.allSatisfy { $0 == 0 })
        #expect(memory.address(at: 4096) == memory.address(at: 0) + 4096)
        #expect(throws: HostError("map \(1 << 60) bytes of guest memory", .noMemory)) {
            _ = try HostMemory(size: 1 << 60)
        }
    }
}
