import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing

@Suite("Work for later")
struct TimerTests {
    @Test("never comes early, and all of much of it comes", arguments: 1...2 as ClosedRange<UInt64>)
    func neverEarly(seed: UInt64) throws {
        try withLoop { loop in
            var random = SplitMix64(seed: seed)
            let record = Record<Int64>()
            for _ in 0..<500 {
                let delay = Int64.random(in: 0...20_000_000, using: &random)
                let time = MonotonicClock.now + delay
                loop.after(delay, Bool.random(using: &random) ? .devices : .control) {
                    record.append(MonotonicClock.now - time)
                }
            }
            try #require(record.reaches(500))
            #expect(record.all.allSatisfy { $0 >= 0 })
            #expect(loop.settle())
            #expect(record.count == 500)
        }
    }

    @Test("comes in the order of its times, also where all of them are over at once")
    func order() throws {
        let loop = try EventLoop()
        let record = Record<Int>()
        var random = SplitMix64(seed: 1)
        // Between which moments each is due: this thread may be held up at any instruction.
        var (earliest, latest) = ([Int64](), [Int64]())
        for number in 0..<100 {
            let delay = Int64.random(in: 0..<100_000_000, using: &random)
            earliest.append(MonotonicClock.now + delay)
            loop.after(delay) { record.append(number) }
            latest.append(MonotonicClock.now + delay)
        }
        usleep(120_000)
        try loop.start()
        try #require(record.reaches(100))
        for (place, number) in record.all.enumerated() {
            #expect(record.all[place...].allSatisfy { earliest[number] <= latest[$0] })
        }
        #expect(loop.end(patience: patience))
    }

    @Test("that is due earlier comes first, though the loop sleeps until something later")
    func earlier() throws {
        try withLoop { loop in
            let record = Record<Int>()
            loop.after(3_600_000_000_000) { record.append(1) }
            #expect(loop.settle())
            loop.after(1_000_000) { record.append(0) }
            try #require(record.reaches(1))
            #expect(record.all == [0])
        }
    }

    @Test("may hand in more for later, again and again")
    func chain() throws {
        try withLoop { loop in
            let record = Record<Int64>()
            @Sendable func next(_ left: Int) {
                record.append(MonotonicClock.now)
                if left > 0 { loop.after(200_000) { next(left - 1) } }
            }
            next(100)
            try #require(record.reaches(101))
            #expect(zip(record.all, record.all.dropFirst()).allSatisfy { $1 - $0 >= 200_000 })
        }
    }

    @Test("without a delay, or with one below 0, comes soon")
    func now() throws {
        try withLoop { loop in
            let record = Record<Int>()
            for delay in [0, -1, -5_000_000_000, .min] as [Int64] { loop.after(delay) { record.append(1) } }
            #expect(record.reaches(4))
        }
    }

    @Test("in the farthest future does not come")
    func never() throws {
        try withLoop { loop in
            let record = Record<Int>()
            loop.after(.max) { record.append(1) }
            #expect(loop.settle(.devices))
            #expect(record.count == 0)
        }
    }

    @Test("is there once")
    func once() throws {
        try withLoop { loop in
            let record = Record<Int>()
            for number in 0..<50 { loop.after(Int64(number) * 10_000) { record.append(number) } }
            try #require(record.reaches(50))
            usleep(2_000)
            #expect(loop.settle(.devices))
            #expect(record.all.sorted() == Array(0..<50))
        }
    }
}
