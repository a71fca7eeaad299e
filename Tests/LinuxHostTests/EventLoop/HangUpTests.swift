import Glibc
import LinuxHost
import TestSupport
import Testing

@Suite("Descriptors that are hung up")
struct HangUpTests {
    /// How much processor time the loop takes while nothing is handed in, for some time.
    private static func restlessness(_ loop: EventLoop) -> Int64 {
        let record = Record<Int64>()
        for round in 1...2 {
            loop.post(.control) { record.append(MonotonicClock.threadTime) }
            guard record.reaches(round) else { return .max }
            if round == 1 { usleep(300_000) }
        }
        return record.all[1] - record.all[0]
    }

    @Test(
        "an armed watch is called, and one that is not is neither called nor makes the loop spin",
        arguments: [true, false])
    func reader(isArmed: Bool) throws {
        let pipe = Ends.pipe()
        try withLoop { loop in
            let record = Record<Int>()
            let watch = try loop.watch(input: pipe.first.number) { record.append(1) }
            if isArmed { watch.arm() }
            #expect(loop.settle())
            pipe.second.close()
            if isArmed { #expect(record.reaches(1)) }
            #expect(loop.settle())
            // Idle it takes microseconds. One that spins takes all that it can get.
            #expect(Self.restlessness(loop) < 50_000_000)
            #expect(record.count == (isArmed ? 1 : 0))
            // It still is when someone asks.
            watch.arm()
            #expect(record.reaches(isArmed ? 2 : 1))
            #expect(loop.settle())
            #expect(record.count == (isArmed ? 2 : 1))
            loop.unwatch(pipe.first.number)
        }
    }

    @Test("a full pipe whose reader goes away calls the watch for room")
    func writer() throws {
        let pipe = Ends.pipe()
        pipe.second.setNonblocking()
        while pipe.second.write([UInt8](repeating: 0, count: 4096)) > 0 {}
        try withLoop { loop in
            let record = Record<Int>()
            let watch = try loop.watch(output: pipe.second.number) { record.append(1) }
            watch.arm()
            #expect(loop.settle())
            #expect(record.count == 0)
            pipe.first.close()
            #expect(record.reaches(1))
            #expect(Self.restlessness(loop) < 50_000_000)
            #expect(record.count == 1)
            loop.unwatch(pipe.second.number)
        }
    }

    @Test(
        "of a socket that is hung up, those directions are called that were armed", arguments: [true, false],
        [true, false])
    func socket(wantsInput: Bool, wantsOutput: Bool) throws {
        let pair = Ends.socketPair()
        pair.first.setNonblocking()
        while pair.first.write([UInt8](repeating: 0, count: 4096)) > 0 {}
        try withLoop { loop in
            let (input, output) = (Record<Int>(), Record<Int>())
            let onInput = try loop.watch(input: pair.first.number) { input.append(1) }
            let onOutput = try loop.watch(output: pair.first.number) { output.append(1) }
            if wantsInput { onInput.arm() }
            if wantsOutput { onOutput.arm() }
            #expect(loop.settle())
            #expect([input.count, output.count] == [0, 0])
            pair.second.close()
            if wantsInput { #expect(input.reaches(1)) }
            if wantsOutput { #expect(output.reaches(1)) }
            #expect(Self.restlessness(loop) < 50_000_000)
            #expect([input.count, output.count] == [wantsInput ? 1 : 0, wantsOutput ? 1 : 0])
            loop.unwatch(pair.first.number)
        }
    }

    @Test("a pseudo-terminal whose other side nobody has open calls the watch, once each time")
    func pseudoTerminal() throws {
        let ends = Ends.pseudoTerminal()
        try withLoop { loop in
            let record = Record<Int>()
            let watch = try loop.watch(input: ends.first.number) { record.append(1) }
            ends.second.close()
            #expect(loop.settle())
            #expect(record.count == 0)
            for round in 1...3 {
                watch.arm()
                try #require(record.reaches(round))
                #expect(loop.settle())
                #expect(record.count == round)
            }
            #expect(Self.restlessness(loop) < 50_000_000)
            loop.unwatch(ends.first.number)
        }
    }
}
