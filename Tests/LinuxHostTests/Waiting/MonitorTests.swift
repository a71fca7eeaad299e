import LinuxHost
import Synchronization
import TestSupport
import Testing

@Suite("A value that threads wait for")
struct MonitorTests {
    @Test("is changed, and the answer of whoever asks is given at once where there is one")
    func now() {
        let monitor = Monitor(1)
        #expect(
            monitor.change { value in
                value += 1
                return value * 10
            } == 20)
        #expect(monitor.wait { $0 == 2 ? "two" : nil } == "two")
        #expect(monitor.wait(until: 0) { $0 == 2 ? "two" : nil } == "two")
    }

    @Test("wakes all who wait when it changes, each when its own answer is there")
    func wakes() {
        let monitor = Monitor(0)
        let record = Record<Int>()
        let threads = (1...4).map { number in
            HostThread {
                let seen = monitor.wait(until: MonotonicClock.now + patience) { $0 >= number ? $0 : nil }
                record.append(seen == nil ? -1 : number)
            }
        }
        for number in 1...4 {
            monitor.change { $0 += 1 }
            #expect(record.reaches(number))
        }
        for thread in threads { thread.join() }
        #expect(record.all == [1, 2, 3, 4])
    }

    @Test("wakes who waits for as long as it takes")
    func forEver() {
        let monitor = Monitor(false)
        let record = Record<Bool>()
        let thread = HostThread { record.append(monitor.wait { $0 ? true : nil } ?? false) }
        monitor.change { $0 = true }
        thread.join()
        #expect(record.all == [true])
    }

    @Test("an end is never early, and then it is asked once more")
    func end() {
        let monitor = Monitor(0)
        for wait in [0, 1, 1_000_000, 10_000_000] as [Int64] {
            let asked = Record<Int>()
            let end = MonotonicClock.now + wait
            let answer: Int? = monitor.wait(until: end) { _ in
                asked.append(1)
                return nil
            }
            #expect(answer == nil)
            #expect(MonotonicClock.now >= end)
            #expect(asked.count >= 1)
        }
    }

    @Test(
        "an end that is long over is one, also one before the clock began",
        arguments: [0, 1, -1, -5_000_000_000, .min] as [Int64])
    func over(end: Int64) {
        let record = Record<Bool>()
        let monitor = Monitor(0)
        let thread = HostThread {
            let answer: Int? = monitor.wait(until: end) { $0 > 0 ? $0 : nil }
            record.append(answer == nil)
        }
        #expect(record.reaches(1) || { monitor.change { $0 = 1 } }() == ())
        thread.join()
        #expect(record.all == [true])
    }

    @Test("a change that gives no answer does not end a wait, nor does the time start anew")
    func otherChanges() {
        let monitor = Monitor(0)
        let isOver = Atomic<Bool>(false)
        let end = MonotonicClock.now + 50_000_000
        let thread = HostThread {
            while !isOver.load(ordering: .sequentiallyConsistent) { monitor.change { $0 += 2 } }
        }
        #expect(monitor.wait(until: end) { $0 % 2 == 1 ? $0 : nil } == nil)
        #expect(MonotonicClock.now >= end)
        isOver.store(true, ordering: .sequentiallyConsistent)
        thread.join()
    }

    @Test("what one takes in its answer no other gets: 8,000 tokens, four who give and four who take")
    func tokens() {
        let monitor = Monitor((given: 0, left: 0))
        let takers = Record<Int>()
        let threads = (0..<8).map { index in
            HostThread {
                guard index < 4 else {
                    var taken = 0
                    while true {
                        let hasOne = monitor.wait(until: MonotonicClock.now + patience) { state -> Bool? in
                            if state.left > 0 {
                                state.left -= 1
                                return true
                            }
                            return state.given == 8_000 ? false : nil
                        }
                        guard hasOne == true else { break }
                        taken += 1
                        // The others wait for the last one to be taken.
                        monitor.change { _ in }
                    }
                    takers.append(taken)
                    return
                }
                for _ in 0..<2_000 {
                    monitor.change { state in
                        state.given += 1
                        state.left += 1
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(takers.all.reduce(0, +) == 8_000)
    }

    @Test("is let go with what it holds")
    func lifetime() {
        final class Held: Sendable {}
        weak var seen: Held?
        do {
            let held = Held()
            seen = held
            let monitor = Monitor<Held?>(held)
            #expect(monitor.change { $0 != nil })
        }
        #expect(seen == nil)
    }
}
