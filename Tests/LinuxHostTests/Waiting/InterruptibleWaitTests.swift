import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing

/// On threads of their own: a kick that nobody has looked at stays with its thread.
@Suite("Waits that a kick ends")
struct InterruptibleWaitTests {
    /// A thread that takes kicks.
    private func onThread(_ body: @escaping @Sendable () -> Void) {
        HostThread {
            do { try KickSignal.install() } catch { Issue.record(error) }
            KickSignal.accept()
            body()
        }.join()
    }

    private static let input = Int16(POLLIN)

    @Test("a kick that came before ends the next wait, and only that one")
    func before() {
        onThread {
            let own = KickSignal.accept()
            for _ in 0..<100 {
                KickSignal.send(to: own)
                KickSignal.send(to: own)
                #expect(InterruptibleWait.wait(for: -1) == .interrupted)
                #expect(InterruptibleWait.wait(for: -1, nanoseconds: 1) == .timeout)
            }
        }
    }

    @Test("a kick ends a wait that is under way", arguments: [-1, patience])
    func during(nanoseconds: Int64) throws {
        let ids = Record<Int32>()
        let outcomes = Record<InterruptibleWait.Outcome>()
        let pipe = Ends.pipe()
        let waiter = HostThread {
            do { try KickSignal.install() } catch { Issue.record(error) }
            ids.append(KickSignal.accept())
            outcomes.append(InterruptibleWait.wait(for: pipe.first.number, nanoseconds: nanoseconds))
        }
        try #require(ids.reaches(1))
        usleep(5_000)
        #expect(outcomes.all == [])
        KickSignal.send(to: ids.all[0])
        waiter.join()
        #expect(outcomes.all == [.interrupted])
    }

    /// A timer's signal comes at any instruction, also at the few between the look at the mark and the system call.
    @Test("of 4,000 timers that go off on the way into a wait none is lost")
    func timers() {
        onThread {
            do {
                let timer = try KickTimer()
                var random = SplitMix64(seed: 1)
                for round in 1...4_000 {
                    try timer.arm(after: Int64.random(in: 1...4_000, using: &random), every: 0)
                    // It goes off some time later, and so does the wait begin.
                    let begin = MonotonicClock.now + Int64.random(in: 0...30_000, using: &random)
                    while MonotonicClock.now < begin {}
                    // Lost, it would be the watchdog that ended it.
                    let outcome = InterruptibleWait.wait(for: -1, nanoseconds: patience)
                    guard outcome == .interrupted else {
                        Issue.record("round \(round): \(outcome)")
                        return
                    }
                }
            } catch {
                Issue.record(error)
            }
        }
    }

    @Test("of 10,000 kicks by another thread at random moments none is lost", arguments: 1...2 as ClosedRange<UInt64>)
    func anotherThread(seed: UInt64) throws {
        let ids = Record<Int32>()
        let asked = SharedNumber()
        let seen = SharedNumber()
        let waiter = HostThread {
            do { try KickSignal.install() } catch { Issue.record(error) }
            ids.append(KickSignal.accept())
            while true {
                let request = asked.value.load(ordering: .sequentiallyConsistent)
                seen.value.store(request, ordering: .sequentiallyConsistent)
                if request == 10_000 { return }
                guard InterruptibleWait.wait(for: -1, nanoseconds: patience) == .interrupted else {
                    Issue.record("a kick after request \(request) was lost")
                    return
                }
            }
        }
        try #require(ids.reaches(1))
        var random = SplitMix64(seed: seed)
        for request in 1...10_000 {
            for _ in 0..<Int.random(in: 0..<300, using: &random) { extendLifetime(asked) }
            asked.value.store(request, ordering: .sequentiallyConsistent)
            KickSignal.send(to: ids.all[0])
            try #require(seen.reaches(request))
        }
        waiter.join()
    }

    @Test("the time is never over early, and none at all is a look")
    func timeouts() {
        onThread {
            let pipe = Ends.pipe()
            for nanoseconds in [0, 1, 1_000_000, 20_000_000] as [Int64] {
                let start = MonotonicClock.now
                #expect(InterruptibleWait.wait(for: pipe.first.number, nanoseconds: nanoseconds) == .timeout)
                #expect(MonotonicClock.now - start >= nanoseconds)
            }
            #expect(InterruptibleWait.wait(for: -1, or: -1, nanoseconds: 1_000_000) == .timeout)
        }
    }

    @Test("a descriptor that is ready ends it, whichever of the two it is, and each has its own words")
    func ready() {
        onThread {
            let (first, second) = (Ends.socketPair(), Ends.pipe())
            let numbers = (first.first.number, second.first.number)
            #expect(InterruptibleWait.wait(for: numbers.0, POLLOUT, or: numbers.1) == .ready(Int16(POLLOUT), 0))
            second.second.write([1])
            #expect(InterruptibleWait.wait(for: numbers.0, or: numbers.1) == .ready(0, Self.input))
            #expect(InterruptibleWait.wait(for: -1, or: numbers.1) == .ready(0, Self.input))
            #expect(InterruptibleWait.wait(for: numbers.1) == .ready(Self.input, 0))
            first.second.write([1])
            #expect(InterruptibleWait.wait(for: numbers.0, or: numbers.1) == .ready(Self.input, Self.input))
            second.second.close()
            _ = second.first.read(upTo: 10)
            #expect(InterruptibleWait.wait(for: numbers.1) == .ready(Int16(POLLHUP), 0))
            #expect(InterruptibleWait.wait(for: 1_000_000) == .ready(Int16(POLLNVAL), 0))
        }
    }

    @Test("a descriptor that becomes ready meanwhile ends it")
    func becomesReady() {
        let pipe = Ends.pipe()
        let writer = HostThread {
            usleep(5_000)
            pipe.second.write([1])
        }
        onThread { #expect(InterruptibleWait.wait(for: -1, or: pipe.first.number) == .ready(0, Self.input)) }
        writer.join()
    }

    @Test("a kick is told before what is ready, and neither is forgotten for the other")
    func both() {
        onThread {
            let pipe = Ends.pipe()
            pipe.second.write([1])
            let own = KickSignal.accept()
            for _ in 0..<10 {
                KickSignal.send(to: own)
                #expect(InterruptibleWait.wait(for: pipe.first.number) == .interrupted)
                #expect(InterruptibleWait.wait(for: pipe.first.number) == .ready(Self.input, 0))
                #expect(InterruptibleWait.wait(for: -1, nanoseconds: 0) == .timeout)
            }
        }
    }

    /// The thread waits for input that comes at the same time as the kick: whichever is told first, the other is next.
    @Test("of 1,000 kicks that come together with input neither is lost")
    func together() throws {
        let pipe = Ends.pipe()
        let ids = Record<Int32>()
        let rounds = SharedNumber()
        let waiter = HostThread {
            do { try KickSignal.install() } catch { Issue.record(error) }
            ids.append(KickSignal.accept())
            for round in 1...1_000 {
                var (isKicked, hasInput) = (false, false)
                while !isKicked || !hasInput {
                    switch InterruptibleWait.wait(for: hasInput ? -1 : pipe.first.number, nanoseconds: patience) {
                    case .ready:
                        _ = pipe.first.read(upTo: 1)
                        hasInput = true
                    case .interrupted: isKicked = true
                    case .timeout:
                        Issue.record("round \(round): \(isKicked ? "the input" : "the kick") was lost")
                        return
                    }
                }
                rounds.value.store(round, ordering: .sequentiallyConsistent)
            }
        }
        try #require(ids.reaches(1))
        for round in 1...1_000 {
            if round % 2 == 0 { KickSignal.send(to: ids.all[0]) }
            pipe.second.write([1])
            if round % 2 == 1 { KickSignal.send(to: ids.all[0]) }
            try #require(rounds.reaches(round))
        }
        waiter.join()
    }
}
