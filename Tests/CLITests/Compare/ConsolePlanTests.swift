import Testing

@testable import Comparison

@Suite("What compare console measures, and for how long")
struct ConsolePlanTests {
    private static let blind = ConsoleSubject(technique: .blind, buffer: 65_536)

    private static func round(bytes: UInt64, seconds: Double, overhead: Double = 0) -> ConsoleRound {
        ConsoleRound(
            byteCount: bytes, streamSeconds: seconds, timedByteCount: bytes, wholeSeconds: seconds + overhead,
            cpuSeconds: 0, exits: nil)
    }

    @Test(
        "the full plan has each technique, with three sizes of buffers where there are buffers; the quick one has one size"
    )
    func subjects() {
        #expect(ConsolePlan.full.subjects.count == 20)
        #expect(ConsolePlan.full.rounds == 7)
        #expect(ConsolePlan.quick.subjects.map(\.technique) == ConsoleTechnique.allCases)
        #expect(ConsolePlan.quick.subjects.allSatisfy { $0.buffer == 65_536 })
        #expect(ConsolePlan.quick.rounds == 3)
        #expect(Set(ConsolePlan.full.subjects.map(\.name)).count == 20)
    }

    @Test("there are as many bytes as the time that a stream is meant to take")
    func byteCount() {
        let last = Self.round(bytes: 1000, seconds: 0.1)
        #expect(ConsolePlan.full.byteCount(of: Self.blind, after: last, timeLeft: 100, runsLeft: 100) == 4000)
    }

    @Test("where the time is short there are fewer, and never none")
    func shortTime() {
        let last = Self.round(bytes: 100_000, seconds: 0.1, overhead: 0.05)
        let count = ConsolePlan.full.byteCount(of: Self.blind, after: last, timeLeft: 10, runsLeft: 50)
        #expect(count == 130_000)  // a fifth of a second, less a tenth of it and what start and end take
        #expect(ConsolePlan.full.byteCount(of: Self.blind, after: last, timeLeft: -5, runsLeft: 50) == 512)
        let fast = Self.round(bytes: 1 << 40, seconds: 0.001)
        #expect(ConsolePlan.full.byteCount(of: Self.blind, after: fast, timeLeft: 100, runsLeft: 1) == 16 << 30)
    }

    @Test("a first look that was too short is followed by a longer one, which stays short of a run")
    func looks() {
        let plan = ConsolePlan.full
        #expect(plan.nextLook(at: Self.blind, after: Self.round(bytes: 2048, seconds: 0.1)) == nil)
        #expect(plan.nextLook(at: Self.blind, after: Self.round(bytes: 2048, seconds: 0.02)) == 20_480)
        #expect(plan.nextLook(at: Self.blind, after: Self.round(bytes: 2048, seconds: 0)) == 2048 * 64)
    }

    @Test("a stream that arrived in one piece is not taken for a fast one")
    func piece() {
        let plan = ConsolePlan.full
        let slow = Self.round(bytes: 500, seconds: 0.0001, overhead: 0.5)
        // Five seconds at a thousand a second, and then what is known.
        #expect((4_900...5_000).contains(plan.nextLook(at: Self.blind, after: slow) ?? 0))
        #expect(plan.byteCount(of: Self.blind, after: slow, timeLeft: 100, runsLeft: 100) == 512)
    }

    /// Subjects that take the time that a host of this slowness takes, on a clock of their own.
    @Test("on hosts of any speed the plan ends in time", arguments: [0.01, 1, 10, 30])
    func endsInTime(slowness: Double) {
        for (plan, limit) in [(ConsolePlan.full, 120.0), (.quick, 20)] {
            var time = 0.0
            func run(_ subject: ConsoleSubject, _ count: UInt64) -> ConsoleRound {
                let perByte: Double =
                    switch subject.technique {
                    case _ where subject.technique.hasBuffers: 1e-9
                    case .blindCoalesced, .outsbCoalesced: 2e-6
                    default: 1e-5
                    }
                let seconds = slowness * Double(count) * perByte
                let round = Self.round(bytes: count, seconds: seconds, overhead: 0.005 * slowness)
                time += round.wholeSeconds
                return round
            }
            var last = plan.subjects.map { subject in
                var look = run(subject, subject.leastByteCount)
                while let next = plan.nextLook(at: subject, after: look), look.byteCount < next {
                    look = run(subject, next)
                }
                return look
            }
            for index in 0..<plan.runCount {
                let number = index % plan.subjects.count
                let subject = plan.subjects[number]
                let count = plan.byteCount(
                    of: subject, after: last[number], timeLeft: plan.timeLimit - time, runsLeft: plan.runCount - index)
                last[number] = run(subject, count)
            }
            #expect(time < limit)
        }
    }
}
