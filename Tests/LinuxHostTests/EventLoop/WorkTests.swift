import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing

@Suite("Work that an event loop is handed")
struct WorkTests {
    @Test("runs in the order in which it was handed in", arguments: [EventLoop.Group.devices, .control])
    func order(group: EventLoop.Group) throws {
        try withLoop { loop in
            let record = Record<Int>()
            for number in 0..<1_000 { loop.post(group) { record.append(number) } }
            try #require(record.reaches(1_000))
            #expect(record.all == Array(0..<1_000))
        }
    }

    @Test("waits for the start of the loop, and comes behind what is called at first")
    func beforeStart() throws {
        let loop = try EventLoop()
        let record = Record<String>()
        loop.post(.control) { record.append("work") }
        loop.post { record.append("device") }
        try loop.start {
            usleep(2_000)
            record.append("start")
        }
        loop.waitUntilStarted()
        #expect(record.all.first == "start")
        try #require(record.reaches(3))
        #expect(record.all == ["start", "work", "device"])
        #expect(loop.end(patience: patience))
    }

    @Test("of 1,000 pieces from each of four threads none is lost, and each thread's keep their order")
    func threads() throws {
        try withLoop { loop in
            let record = Record<(thread: Int, number: Int)>()
            let threads = (0..<4).map { thread in
                HostThread {
                    for number in 0..<1_000 {
                        loop.post(thread < 2 ? .devices : .control) { record.append((thread, number)) }
                    }
                }
            }
            for thread in threads { thread.join() }
            try #require(record.reaches(4_000))
            #expect(loop.settle())
            for thread in 0..<4 {
                #expect(record.all.filter { $0.thread == thread }.map(\.number) == Array(0..<1_000))
            }
            #expect(record.count == 4_000)
        }
    }

    @Test("one piece at a time, however many threads hand it in, and all on one thread")
    func oneAtATime() throws {
        try withLoop { loop in
            let underWay = Atomic<Int>(0)
            let record = Record<(count: Int, thread: pthread_t)>()
            let threads = (0..<4).map { _ in
                HostThread {
                    for _ in 0..<250 {
                        loop.post {
                            let count = underWay.add(1, ordering: .sequentiallyConsistent).newValue
                            record.append((count, pthread_self()))
                            underWay.subtract(1, ordering: .sequentiallyConsistent)
                        }
                    }
                }
            }
            for thread in threads { thread.join() }
            try #require(record.reaches(1_000))
            let first = try #require(record.all.first).thread
            #expect(record.all.allSatisfy { $0.count == 1 && pthread_equal($0.thread, first) != 0 })
        }
    }

    @Test("may hand in more, which comes behind what was there")
    func fromInside() throws {
        try withLoop { loop in
            let record = Record<Int>()
            let gate = Gate()
            loop.post { gate.wait() }
            for number in 0..<3 {
                loop.post {
                    record.append(number)
                    loop.post { record.append(number + 10) }
                }
            }
            gate.open()
            try #require(record.reaches(6))
            #expect(record.all == [0, 1, 2, 10, 11, 12])
        }
    }

    @Test("may go on for ever by handing in itself, and keeps neither descriptors nor others' work waiting")
    func forEver() throws {
        try withLoop { loop in
            let isOver = Atomic<Bool>(false)
            let turns = Atomic<Int>(0)
            @Sendable func turn() {
                turns.add(1, ordering: .relaxed)
                if !isOver.load(ordering: .relaxed) { loop.post { turn() } }
            }
            turn()
            let event = try EventFD()
            let number = event.number
            let calls = Record<Int>()
            try loop.watch(number) {
                var buffer: UInt64 = 0
                // SAFETY: eight bytes, the handler's own.
                _ = unsafe read(number, &buffer, 8)
                calls.append(1)
            }
            event.signal()
            #expect(calls.reaches(1))
            #expect(loop.settle(.devices))
            isOver.store(true, ordering: .relaxed)
            #expect(turns.load(ordering: .relaxed) > 1)
            #expect(loop.settle(.devices))
            loop.unwatch(number)
        }
    }
}
