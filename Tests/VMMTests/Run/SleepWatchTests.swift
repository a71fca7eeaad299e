import Glibc
import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("The watch over vCPUs that sleep")
struct SleepWatchTests {
    /// What one round says when each of the vCPUs, on a thread of its own, sees itself as told.
    private static func round(_ asleep: [Bool], comes: [Bool]) -> [Bool] {
        let watch = SleepWatch(vcpuCount: asleep.count)
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
        return answers.withLock { $0 }
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
            let answers = Self.round(asleep, comes: [true, true, true])
            #expect(answers == [Bool](repeating: mask == 7, count: 3), "\(asleep)")
        }
    }

    @Test("none looks at itself before all stand still, and none goes on before all have looked")
    func standsStill() {
        let watch = SleepWatch(vcpuCount: 3)
        for vcpu in 0..<3 { _ = watch.saw(vcpu: vcpu, asleep: true) }
        let came = Atomic<Int>(0)
        let looked = Atomic<Int>(0)
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
                #expect(answer)
                #expect(looked.load(ordering: .sequentiallyConsistent) == 3)
            }
        }
        for thread in threads { thread.join() }
    }

    @Test("a round that one does not come to is given up, and the next one holds")
    func givenUp() {
        #expect(Self.round([true, true, true], comes: [true, false, true]) == [false, false, false])
        let watch = SleepWatch(vcpuCount: 2, rest: 50_000_000)
        for vcpu in 0..<2 { _ = watch.saw(vcpu: vcpu, asleep: true) }
        #expect(!watch.join(vcpu: 0) { true })
        // Not at once.
        #expect(!watch.saw(vcpu: 0, asleep: true))
        usleep(60_000)
        #expect(watch.saw(vcpu: 0, asleep: true))
        let other = HostThread { _ = watch.join(vcpu: 1) { true } }
        #expect(watch.join(vcpu: 0) { true })
        other.join()
    }

    @Test("one that fails while it looks at itself does not hold the others up for long")
    func failure() {
        struct Broken: Error {}
        let watch = SleepWatch(vcpuCount: 2)
        for vcpu in 0..<2 { _ = watch.saw(vcpu: vcpu, asleep: true) }
        let other = HostThread {
            do throws(Broken) {
                _ = try watch.join(vcpu: 1) { () throws(Broken) in throw Broken() }
                Issue.record("it did not throw")
            } catch {}
        }
        #expect(!watch.join(vcpu: 0) { true })
        other.join()
        #expect(!watch.hasRound)
    }
}
