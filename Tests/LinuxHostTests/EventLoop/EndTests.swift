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
        // From now on it is ending.
        #expect(!loop.end(patience: 0))
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

    @Test(
        "waits for one handler, and not for those that were ready with it",
        arguments: [EventLoop.Group.devices, .control])
    func oneHandler(group: EventLoop.Group) throws {
        let loop = try EventLoop()
        let (begun, mayEnd) = (Gate(), Gate())
        let record = Record<Int>()
        loop.post(group) {
            begun.open()
            mayEnd.wait()
        }
        for number in 0..<10 { loop.post(group) { record.append(number) } }
        try loop.start()
        #expect(begun.wait())
        #expect(!loop.end(patience: 0))
        mayEnd.open()
        #expect(loop.end(patience: patience))
        #expect(record.all == [])
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

    @Test("may be waited for as long as it takes")
    func longestPatience() throws {
        let loop = try EventLoop()
        try loop.start()
        loop.waitUntilStarted()
        #expect(loop.end(patience: .max))
    }

    /// The thread may not have come to its first instruction.
    @Test("right after the start is one: nothing is called when it has returned")
    func rightAfterStart() throws {
        let late = Record<Int>()
        for _ in 0..<300 {
            let hasEnded = Gate()
            try Self.weakly { loop in
                try loop.start {
                    if hasEnded.isOpen { late.append(1) }
                }
                #expect(loop.end(patience: patience))
                hasEnded.open()
            }
        }
        #expect(late.count == 0)
    }

    @Test(
        "lets go of all that was handed in, though it refers to the loop",
        arguments: ["work", "timer", "watch", "armed"])
    func letsGo(of kind: String) throws {
        let pipe = Ends.pipe()
        try Self.weakly { loop in
            try loop.start()
            loop.pauseDevices()
            let handler: EventLoop.Work = { _ = loop.settle() }
            switch kind {
            case "work": loop.post(.devices, handler)
            case "timer": loop.after(3_600_000_000_000, .devices, handler)
            case "watch": try loop.watch(pipe.first.number, .devices, handler)
            default: try loop.watch(input: pipe.first.number, .devices, handler).arm()
            }
            #expect(loop.settle())
            #expect(loop.end(patience: patience))
            // Nor is kept what comes late.
            loop.post(.devices, handler)
            loop.after(0, .devices, handler)
        }
    }

    /// Makes a loop, and sees it go.
    private static func weakly(_ body: (EventLoop) throws -> Void) throws {
        weak var seen: EventLoop?
        do {
            let loop = try EventLoop()
            seen = loop
            try body(loop)
        }
        #expect(happens { seen == nil }, "the loop stays for ever")
    }

    private static func count(_ folder: String) -> Int {
        var count = 0
        // SAFETY: a C string for the length of the call; the entries are only counted.
        guard let directory = unsafe opendir("/proc/self/\(folder)") else { return 0 }
        while unsafe readdir(directory) != nil { count += 1 }
        unsafe closedir(directory)
        return count
    }

    @Test("leaves nothing: no thread, no descriptor", arguments: ["task", "fd"])
    func leavesNothing(folder: String) throws {
        // Other tests start and end threads meanwhile: what counts is that the least that is seen does not grow.
        var least: [Int] = []
        for _ in 0..<3 {
            var seen: [Int] = []
            for round in 0..<100 {
                let loop = try EventLoop()
                let event = try SharedEvent()
                let pipe = Ends.pipe()
                let calls = Record<Int>()
                try loop.watch(event.number) {
                    _ = event.take()
                    calls.append(1)
                }
                let watch = try loop.watch(input: pipe.first.number) { calls.append(2) }
                loop.after(3_600_000_000_000) { loop.post {} }
                if round % 4 != 0 {
                    try loop.start()
                    event.signal()
                    watch.arm()
                    pipe.second.write([1])
                    #expect(calls.reaches(2))
                }
                #expect(loop.end(patience: patience))
                seen.append(Self.count(folder))
            }
            least.append(seen.min() ?? 0)
        }
        #expect(least[2] < least[0] + 150, "\(least)")
    }
}
