import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing

/// Several threads do everything to one loop at random. What must hold is that no device's handler runs from when somebody's
/// pause has returned until that one resumes, that control goes on, and that in the end all that was handed in is done.
@Suite("A loop that several threads pause", .serialized)
struct RandomPauseTests {
    private static let threadCount = 4
    private static let steps = TestScale.count(20_000)

    private final class Bench: Sendable {
        let loop: EventLoop
        /// How many have the devices paused at this moment.
        let pausers = Atomic<Int>(0)
        /// Calls of devices' handlers while somebody had them paused.
        let violations = Atomic<Int>(0)
        let deviceCalls = Atomic<Int>(0)
        let controlCalls = Atomic<Int>(0)
        let eventCounts = Atomic<UInt64>(0)
        let inputs = Atomic<Int>(0)
        let events: [SharedEvent]
        let pairs: [Ends]
        let watches: [EventLoop.Watch]

        init(_ loop: EventLoop) throws {
            self.loop = loop
            events = try (0..<threadCount).map { _ in try SharedEvent() }
            pairs = (0..<threadCount).map { _ in Ends.socketPair() }
            let handler = Mutex<(@Sendable () -> Void)?>(nil)
            watches = try pairs.map { pair in
                try loop.watch(output: pair.first.number) { handler.withLock { $0 }?() }
            }
            handler.withLock { $0 = { [weak self] in self?.noteInput() } }
            for event in events {
                try loop.watch(event.number) { [weak self] in self?.noteEvent(event) }
            }
        }

        private func noteInput() {
            noteDevice()
            inputs.add(1, ordering: .sequentiallyConsistent)
        }

        private func noteEvent(_ event: SharedEvent) {
            noteDevice()
            eventCounts.add(event.take(), ordering: .sequentiallyConsistent)
        }

        private var isPaused: Bool { pausers.load(ordering: .sequentiallyConsistent) > 0 }

        func noteDevice() {
            if isPaused { violations.add(1, ordering: .sequentiallyConsistent) }
            deviceCalls.add(1, ordering: .sequentiallyConsistent)
            if isPaused { violations.add(1, ordering: .sequentiallyConsistent) }
        }

        func pause() {
            loop.pauseDevices()
            pausers.add(1, ordering: .sequentiallyConsistent)
        }

        func resume() {
            pausers.subtract(1, ordering: .sequentiallyConsistent)
            loop.resumeDevices()
        }

        func end() {
            for event in events { loop.unwatch(event.number) }
            for pair in pairs { loop.unwatch(pair.first.number) }
        }
    }

    /// What a thread has handed in.
    private struct Sums: Sendable {
        var posts = 0
        var controls = 0
        var signals: UInt64 = 0
        var arms = 0
    }

    @Test(
        "no device's handler runs meanwhile, control goes on, and nothing is lost: 20,000 steps at random",
        arguments: 1...5 as ClosedRange<UInt64>, [false, true])
    func steps(seed: UInt64, handlersPause: Bool) throws {
        try withLoop { loop in
            let bench = try Bench(loop)
            let sums = Record<Sums>()
            let threads = (0..<Self.threadCount).map { index in
                HostThread {
                    var random = SplitMix64(seed: seed &* 16 &+ UInt64(index))
                    var sum = Sums()
                    for _ in 0..<Self.steps / Self.threadCount {
                        Self.step(bench, index, handlersPause, &random, &sum)
                    }
                    sums.append(sum)
                }
            }
            for thread in threads { thread.join() }
            let all = sums.all
            try #require(all.count == Self.threadCount)
            let (posts, controls) = (all.reduce(0) { $0 + $1.posts }, all.reduce(0) { $0 + $1.controls })
            let signals = all.reduce(0) { $0 + $1.signals }
            #expect(happens { bench.controlCalls.load(ordering: .sequentiallyConsistent) == controls })
            #expect(happens { bench.pausers.load(ordering: .sequentiallyConsistent) == 0 })
            #expect(happens { bench.eventCounts.load(ordering: .sequentiallyConsistent) == signals })
            #expect(happens { bench.deviceCalls.load(ordering: .sequentiallyConsistent) >= posts })
            #expect(loop.settle(.devices))
            #expect(bench.violations.load(ordering: .sequentiallyConsistent) == 0, "seed \(seed)")
            let inputs = bench.inputs.load(ordering: .sequentiallyConsistent)
            #expect((1...all.reduce(0) { $0 + $1.arms }).contains(inputs))
            bench.end()
        }
    }

    private static func step(
        _ bench: Bench, _ index: Int, _ handlersPause: Bool, _ random: inout SplitMix64, _ sum: inout Sums
    ) {
        let loop = bench.loop
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            sum.posts += 1
            loop.post { bench.noteDevice() }
        case 1:
            sum.posts += 1
            loop.after(Int64.random(in: 0..<300_000, using: &random)) { bench.noteDevice() }
        case 2:
            sum.signals += 1
            bench.events[Int.random(in: 0..<threadCount, using: &random)].signal()
        case 3:
            sum.arms += 1
            bench.watches[Int.random(in: 0..<threadCount, using: &random)].arm()
        case 4:
            sum.controls += 1
            loop.post(.control) { bench.controlCalls.add(1, ordering: .sequentiallyConsistent) }
        case 5 where handlersPause:
            // As a debugger does it: it pauses at once, and goes on later.
            sum.controls += 2
            sum.posts += 2
            loop.post { bench.noteDevice() }
            defer { loop.post { bench.noteDevice() } }
            loop.post(.control) {
                bench.pause()
                bench.controlCalls.add(1, ordering: .sequentiallyConsistent)
                loop.after(50_000, .control) {
                    bench.resume()
                    bench.controlCalls.add(1, ordering: .sequentiallyConsistent)
                }
            }
        case 5, 6: pauseAndLook(bench, depth: Int.random(in: 1...3, using: &random), &random, &sum)
        default:
            for _ in 0..<Int.random(in: 0..<500, using: &random) { extendLifetime(bench) }
        }
    }

    /// While it has the devices paused, nothing of theirs changes.
    private static func pauseAndLook(_ bench: Bench, depth: Int, _ random: inout SplitMix64, _ sum: inout Sums) {
        for _ in 0..<depth { bench.pause() }
        let before = bench.deviceCalls.load(ordering: .sequentiallyConsistent)
        sum.posts += 1
        bench.loop.post { bench.noteDevice() }
        if Int.random(in: 0..<8, using: &random) == 0 {
            // Control goes on.
            let gate = Gate()
            bench.loop.post(.control) { gate.open() }
            if !gate.wait() { Issue.record("control does not go on while devices are paused") }
        }
        for _ in 0..<Int.random(in: 0..<500, using: &random) { extendLifetime(bench) }
        if bench.deviceCalls.load(ordering: .sequentiallyConsistent) != before {
            bench.violations.add(1, ordering: .sequentiallyConsistent)
        }
        for _ in 0..<depth { bench.resume() }
    }
}
