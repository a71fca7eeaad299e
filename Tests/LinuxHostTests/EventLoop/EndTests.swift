import Glibc
import LinuxHost
import TestSupport
import Testing

@Suite("The end of an event loop")
struct EndTests {
    @Test("waits for the handler that is under way, and from then on nothing is called")
    func waits() throws {
        let event = try SharedEvent()
        let loop = try EventLoop()
        try loop.start()
        let (begun, mayEnd) = (Gate(), Gate())
        let record = Record<String>()
        loop.post {
            begun.open()
            mayEnd.wait()
            record.append("handler")
        }
        #expect(begun.wait())
        try loop.watch(event.number) { record.append("event") }
        event.signal()
        loop.post { record.append("work") }
        loop.post(.control) { record.append("control") }
        loop.after(0) { record.append("timer") }
        let ender = HostThread {
            record.append(loop.end(patience: patience) ? "ended" : "not ended")
        }
        usleep(20_000)
        #expect(record.all == [])
        mayEnd.open()
        ender.join()
        loop.post { record.append("late") }
        loop.post(.control) { record.append("late") }
        event.signal()
        usleep(20_000)
        #expect(record.all == ["handler", "ended"])
    }

    @Test("before the start is one, too: what is started then calls nothing that was handed in")
    func beforeStart() throws {
        let loop = try EventLoop()
        let record = Record<Int>()
        loop.post { record.append(1) }
        loop.post(.control) { record.append(1) }
        #expect(loop.end(patience: 0))
        try loop.start()
        loop.waitUntilStarted()
        #expect(loop.end(patience: patience))
        #expect(record.count == 0)
    }

    @Test("comes twice, and from several threads, as well as once")
    func twice() throws {
        let loop = try EventLoop()
        try loop.start()
        let record = Record<Bool>()
        let threads = (0..<4).map { _ in HostThread { record.append(loop.end(patience: patience)) } }
        for thread in threads { thread.join() }
        record.append(loop.end(patience: 0))
        #expect(record.all == [true, true, true, true, true])
    }

    @Test("of a handler that hangs is not waited for longer than was said")
    func hangs() throws {
        let loop = try EventLoop()
        try loop.start()
        let (begun, mayEnd) = (Gate(), Gate())
        loop.post {
            begun.open()
            mayEnd.wait()
        }
        #expect(begun.wait())
        for wait in [0, 1, 5_000_000] as [Int64] {
            let start = MonotonicClock.now
            #expect(!loop.end(patience: wait))
            #expect(MonotonicClock.now - start >= wait)
        }
        mayEnd.open()
        #expect(loop.end(patience: patience))
    }
}
