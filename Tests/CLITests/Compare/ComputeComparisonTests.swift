import TestSupport
import Testing

@testable import Comparison

@Suite("How compare compute makes its figures")
struct ComputeComparisonTests {
    private static let plan = ComputePlan(rounds: 3, timeLimit: 10, workTime: 0.1)

    /// Work that takes a microsecond a step, and in a guest twice that.
    private static func round(_ subject: ComputeSubject, _ steps: UInt64, checksum: String = "right") -> ComputeRound {
        ComputeRound(
            steps: steps, seconds: Double(steps) / 1e6 * (subject.place == .ring3 ? 2 : 1),
            cpuSeconds: Double(steps) / 1e6, checksum: checksum)
    }

    @Test("all places do as much as takes the host the wanted time, in turn")
    func interleaves() throws {
        var runs: [(subject: ComputeSubject, steps: UInt64)] = []
        var comparison = ComputeComparison(plan: Self.plan, refusals: [:]) { subject, steps throws(ComparisonError) in
            runs.append((subject, steps))
            return .measured(Self.round(subject, steps))
        }
        let rows = try comparison.run()
        #expect(rows.map(\.subject) == ComputeSubject.all)
        #expect(rows.allSatisfy { $0.rounds.count == 3 && $0.refusal == nil })
        let measured = runs.suffix(3 * ComputeSubject.all.count)
        let all = ComputeSubject.all
        #expect(measured.map(\.subject) == all + all.reversed() + all)
        #expect(measured.allSatisfy { $0.steps == 100_000 })
        #expect(runs.dropLast(measured.count).allSatisfy { $0.subject.place == .process })
        for row in rows {
            #expect(row.ratioToProcess == Spread(row.subject.place == .ring3 ? [2] : [1]))
            let time = try #require(row.nanosecondsPerOperation).median
            #expect(abs(time - (row.subject.place == .ring3 ? 2000 : 1000) / 65_536.0) < 1e-9)
        }
    }

    @Test("an answer that is not the process's is found out")
    func wrongAnswer() {
        var comparison = ComputeComparison(plan: Self.plan, refusals: [:]) { subject, steps throws(ComparisonError) in
            .measured(Self.round(subject, steps, checksum: subject.place == .ring3 ? "wrong" : "right"))
        }
        let failure = #expect(throws: ComparisonError.self) { try comparison.run() }
        #expect(failure == .fault("integer arithmetic, guest, ring 3: its answer is wrong, not right"))
    }

    /// As on a machine so busy that the answer is there before anyone looks.
    private static func unseen(_ steps: UInt64, seconds: Double) -> IsolationOutcome<ComputeRound> {
        .measured(
            ComputeRound(steps: steps, seconds: seconds, isFromStart: true, cpuSeconds: 0.1, checksum: "right"))
    }

    @Test(
        "a run whose beginning is not seen is tried again, and a few times later counts from its start, which is told")
    func untimed() throws {
        var tries = 0
        var comparison = ComputeComparison(plan: Self.plan, refusals: [:]) { subject, steps throws(ComparisonError) in
            guard subject.place == .ring3 else { return .measured(Self.round(subject, steps)) }
            tries += 1
            return tries % 3 == 0 ? .measured(Self.round(subject, steps)) : Self.unseen(steps, seconds: 0.5)
        }
        let rows = try comparison.run()
        #expect(tries == 3 * 3 * 3)
        #expect(rows.flatMap(\.rounds).allSatisfy { !$0.isFromStart })
        #expect(ComputeFindings(rows).sentences.allSatisfy { !$0.contains("busy") })
        var times = [0.5, 0.3, 0.4, 0.6, 0.7]
        var other = ComputeComparison(plan: Self.plan, refusals: [:]) { subject, steps throws(ComparisonError) in
            guard subject == ComputeSubject(work: .memory, place: .container), let time = times.popLast() else {
                return .measured(Self.round(subject, steps))
            }
            return Self.unseen(steps, seconds: time)
        }
        let found = try other.run()
        #expect(times.isEmpty)
        let rounds = try #require(found.first { $0.subject.work == .memory && $0.subject.place == .container }).rounds
        #expect(rounds.map(\.seconds) == [0.3, 0.1, 0.1] && rounds.map(\.isFromStart) == [true, false, false])
        #expect(
            ComputeFindings(found).sentences.last
                == "The machine was too busy to see the work begin in 1 of 36 runs: their times count from the start of the process, so that they are above what the work took."
        )
    }

    @Test("how much is done goes by processor time, which a busy machine does not make longer")
    func processorTime() throws {
        var asked: [UInt64] = []
        var comparison = ComputeComparison(plan: Self.plan, refusals: [:]) { _, steps throws(ComparisonError) in
            asked.append(steps)
            return .measured(
                ComputeRound(
                    steps: steps, seconds: Double(steps) / 1e5, cpuSeconds: Double(steps) / 1e6, checksum: "right"))
        }
        _ = try comparison.run()
        #expect(asked.suffix(3 * ComputeSubject.all.count).allSatisfy { $0 == 100_000 })
    }

    @Test("a guest that hangs is ended, and told", .requiresAnyKVM)
    func hangs() {
        let runner = ComputeRunner(
            swiftvmm: Binary.path, process: "", guest: Guests.path("spin.bin"), patience: 0.1)
        let failure = #expect(throws: ComparisonError.self) {
            try runner.measure(ComputeSubject(work: .integer, place: .ring3), steps: 1)
        }
        #expect(failure == .fault("integer arithmetic, guest, ring 3: it did not end within 0.1 s"))
    }

    @Test("what is refused is asked once, and told with its reason; the others go on")
    func refused() throws {
        var asked = 0
        var comparison = ComputeComparison(
            plan: Self.plan, refusals: [.ring0: Refusal(reason: "slow")]
        ) { subject, steps throws(ComparisonError) in
            #expect(subject.place != .ring0)
            guard subject.place == .container else { return .measured(Self.round(subject, steps)) }
            asked += 1
            return .refused(Refusal(reason: "no namespaces"))
        }
        let rows = try comparison.run()
        #expect(asked == 1)
        for row in rows {
            switch row.subject.place {
            case .container: #expect(row.refusal == "no namespaces" && row.rounds.isEmpty)
            case .ring0: #expect(row.refusal == "slow" && row.rounds.isEmpty)
            case .process, .ring3: #expect(row.refusal == nil && row.rounds.count == 3)
            }
        }
        let sentences = ComputeFindings(rows).sentences
        #expect(sentences[0] == "Not measured: container, no namespaces.")
        #expect(
            sentences[1]
                == "A guest in ring 3 takes, of a host process's time, 200 % for integer arithmetic, 200 % for 4 MiB of memory at random, 200 % for unforeseeable branches."
        )
        #expect(sentences[2] == "Not measured: guest, ring 0, slow.")
    }

    @Test("looks become longer until they tell something, and steps have a limit")
    func looks() {
        let subject = ComputeSubject(work: .memory, place: .process)
        let plan = Self.plan
        #expect(plan.nextLook(after: Self.round(subject, 4)) == 256)
        #expect(plan.nextLook(after: Self.round(subject, 20_000)) == 50_000)
        #expect(plan.nextLook(after: Self.round(subject, 25_000)) == nil)
        #expect(plan.steps(after: Self.round(subject, 50_000)) == 100_000)
        #expect(plan.steps(after: ComputeRound(steps: 16, seconds: 100, cpuSeconds: 100, checksum: "")) == 16)
        #expect(
            plan.steps(after: ComputeRound(steps: 1 << 32, seconds: 1e-6, cpuSeconds: 1e-6, checksum: "")) == 1 << 32)
        #expect(
            plan.nextLook(after: ComputeRound(steps: 1 << 32, seconds: 1e-6, cpuSeconds: 1e-6, checksum: "")) == nil)
    }

    @Test(
        "ring 0 is left out where it is interpreted",
        arguments: [(400.0, 1.0, true), (1.1, 1.0, false), (nil, 1.0, false)] as [(Double?, Double, Bool)])
    func ring0(ring0: Double?, ring3: Double, isRefused: Bool) {
        let host = ComparedHost(
            processor: "CPU", processorCount: 1, kernel: "6", kvmModules: [], kvmBackend: "VT-x", isNested: false,
            ring0InstructionNanoseconds: ring0, ring3InstructionNanoseconds: ring3, portExitNanoseconds: nil)
        let refusals = ComputeMeasurement.refusals(on: host)
        #expect(refusals.keys.map(\.self) == (isRefused ? [.ring0] : []))
        #expect(
            refusals[.ring0]?.reason
                == (isRefused ? "this host's KVM interprets it, at 400 ns an instruction instead of 1" : nil))
    }

    @Test("only a checksum behind the first line is an answer")
    func answers() {
        let begin = "begin memory\n"
        #expect(ComputeRunner.checksum(in: begin + "0123456789abcdef\n", after: begin) == "0123456789abcdef")
        for text in [
            "", begin, begin + "0123456789abcde\n", begin + "0123456789abcdef", begin + "0123456789ABCDEF\n",
            begin + "0123456789abcdef\n\n", "begin branch\n0123456789abcdef\n", begin + "\u{301}123456789abcde\n",
        ] {
            #expect(ComputeRunner.checksum(in: text, after: begin) == nil, "\(text)")
        }
    }

    @Test(
        "the program for the host answers as a second description does", arguments: ["integer", "memory", "branches"])
    func process(work: String) async throws {
        let outcome = try await Scratch().shell("exec \"$1\" \"$2\" 2", [Guests.path("compute-process"), work])
        #expect(outcome.text == "begin \(work)\n\(BenchWork.checksum(work, steps: 2))\n", "\(outcome)")
        let bad = try await Scratch().shell(
            "\"$1\" \"$2\"; exec \"$1\" \"$2\"s 1", [Guests.path("compute-process"), work])
        #expect(bad.status == 2 && bad.output == [])
    }
}
