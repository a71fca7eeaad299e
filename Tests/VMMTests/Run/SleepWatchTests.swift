import Glibc
import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("The watch over vCPUs that sleep")
struct SleepWatchTests {
    /// What one round says when each of the vCPUs, on a thread of its own, sees itself as told.
    private static func round(_ asleep: [Bool], comes: [Bool]) -> (answers: [Bool], isGivenUp: Bool) {
        let watch = SleepWatch(vcpuCount: asleep.count, rest: longRest)
        for vcpu in asleep.indices { _ = watch.saw(vcpu: vcpu, asleep: true) }
        let answers = Mutex([Bool](repeating: false, count: asleep.count))
        let threads = asleep.indices.filter { comes[$0] }.map { vcpu in
            HostThread {
                let answer = watch.join(vcpu: vcpu) { asleep[vcpu] }
                answers.withLock { $0[vcpu] = answer }
            }
        }
        for thread in threads { thread.join() }
        #expect(!watch.hasRound)
        return (answers.withLock { $0 }, rests(watch, asleep.count))
    }

    /// An hour, in nanoseconds.
    private static let longRest: Int64 = 3_600_000_000_000

    /// Whether the last round was given up: none begins for long, although all seem asleep.
    private static func rests(_ watch: SleepWatch, _ count: Int) -> Bool {
        (0..<count).allSatisfy { !watch.saw(vcpu: $0, asleep: true) }
    }

    /// A round is given up when a thread is a tenth of a second late, as it may be where the processors are busy: then it is made anew.
    ///
    /// - Parameter body: makes a round, and gives nil where it was given up.
    private static func untilHeld<Value>(_ body: () throws -> Value?) rethrows -> Value? {
        let end = ContinuousClock.now + TestScale.patience
        while ContinuousClock.now < end {
            if let value = try body() { return value }
        }
        Issue.record("no round was held")
        return nil
    }

    @Test("one alone tells of itself")
    func alone() {
        let watch = SleepWatch(vcpuCount: 1)
        #expect(!watch.saw(vcpu: 0, asleep: false))
        #expect(!watch.hasRound)
        #expect(watch.saw(vcpu: 0, asleep: true))
        #expect(watch.hasRound)
        #expect(watch.join(vcpu: 0) { true })
        #expect(!watch.hasRound)
    }

    @Test("a round begins when the last of them seems asleep")
    func begins() {
        let watch = SleepWatch(vcpuCount: 3)
        #expect(!watch.saw(vcpu: 0, asleep: true))
        #expect(!watch.saw(vcpu: 1, asleep: true))
        #expect(!watch.saw(vcpu: 1, asleep: false))
        #expect(!watch.saw(vcpu: 2, asleep: true))
        #expect(watch.saw(vcpu: 1, asleep: true))
        // Once.
        #expect(!watch.saw(vcpu: 2, asleep: true))
        #expect(watch.hasRound)
    }

    @Test("all must be asleep while all stand still, and all are told the same")
    func verdict() {
        for mask in 0..<8 {
            let asleep = (0..<3).map { mask >> $0 & 1 == 1 }
            let answers = Self.untilHeld {
                let (answers, isGivenUp) = Self.round(asleep, comes: [true, true, true])
                return isGivenUp ? nil : answers
            }
            #expect(answers == [Bool](repeating: mask == 7, count: 3), "\(asleep)")
        }
    }

    @Test("none looks at itself before all stand still, and none goes on before all have looked")
    func standsStill() {
        let seen = Self.untilHeld { () -> [Int]? in
            let watch = SleepWatch(vcpuCount: 3, rest: Self.longRest)
            for vcpu in 0..<3 { _ = watch.saw(vcpu: vcpu, asleep: true) }
            let came = Atomic<Int>(0)
            let looked = Atomic<Int>(0)
            // How many had looked when one went on.
            let seen = Mutex<[Int]>([])
            let threads = (0..<3).map { vcpu in
                HostThread {
                    usleep(UInt32(vcpu) * 10_000)
                    came.add(1, ordering: .sequentiallyConsistent)
                    let answer = watch.join(vcpu: vcpu) {
                        #expect(came.load(ordering: .sequentiallyConsistent) == 3)
                        usleep(UInt32(vcpu) * 10_000)
                        looked.add(1, ordering: .sequentiallyConsistent)
                        return true
                    }
                    if answer { seen.withLock { $0.append(looked.load(ordering: .sequentiallyConsistent)) } }
                }
            }
            for thread in threads { thread.join() }
            return Self.rests(watch, 3) ? nil : seen.withLock { $0 }
        }
        #expect(seen == [3, 3, 3])
    }

    @Test("a round that one does not come to is given up, and the next one holds")
    func givenUp() {
        // Not at once: it rests.
        let (answers, isGivenUp) = Self.round([true, true, true], comes: [true, false, true])
        #expect(answers == [false, false, false] && isGivenUp)
        let rest: Int64 = 50_000_000
        let watch = SleepWatch(vcpuCount: 2, rest: rest)
        for vcpu in 0..<2 { _ = watch.saw(vcpu: vcpu, asleep: true) }
        #expect(!watch.join(vcpu: 0) { true })
        let holds = Self.untilHeld { () -> Bool? in
            usleep(UInt32(rest / 1000) + 10_000)
            #expect(watch.saw(vcpu: 0, asleep: true))
            let other = HostThread { _ = watch.join(vcpu: 1) { true } }
            let answer = watch.join(vcpu: 0) { true }
            other.join()
            return answer ? true : nil
        }
        #expect(holds == true)
    }

    @Test("one that fails while it looks at itself does not hold the others up for long")
    func failure() {
        struct Broken: Error {}
        let throwing = Self.untilHeld { () -> Bool? in
            let watch = SleepWatch(vcpuCount: 2)
            for vcpu in 0..<2 { _ = watch.saw(vcpu: vcpu, asleep: true) }
            let hasThrown = Atomic(false)
            let other = HostThread {
                do throws(Broken) {
                    _ = try watch.join(vcpu: 1) { () throws(Broken) in throw Broken() }
                } catch { hasThrown.store(true, ordering: .relaxed) }
            }
            #expect(!watch.join(vcpu: 0) { true })
            other.join()
            #expect(!watch.hasRound)
            return hasThrown.load(ordering: .relaxed) ? true : nil
        }
        #expect(throwing == true)
    }
}
