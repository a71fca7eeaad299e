import Testing

@testable import Comparison

@Suite("How compare console makes its figures")
struct ConsoleComparisonTests {
    /// With this rate, in a stream of a tenth of a second.
    private static func round(_ rate: Double, exits: UInt64? = nil) -> ConsoleRound {
        ConsoleRound(
            byteCount: UInt64(rate / 10), streamSeconds: 0.1, timedByteCount: UInt64(rate / 10), wholeSeconds: 0.11,
            cpuSeconds: 0.05,
            exits: exits.map {
                ConsoleRound.Exits(
                    count: $0, byKind: ["portWrite": $0], coalescedWrites: 0, mainKind: "portWrite", p50: 1000,
                    p99: 2000, max: $0)
            })
    }

    @Test("after a look at each, rounds take turns")
    func interleaves() throws {
        var runs: [ConsoleSubject] = []
        let plan = ConsolePlan(bufferSizes: [64], rounds: 2, timeLimit: 10, streamTime: 0.1)
        let rows = try ConsoleComparison(plan: plan) { subject, _ throws(ComparisonError) in
            runs.append(subject)
            return Self.round(1000)
        }.run()
        #expect(runs == plan.subjects + plan.subjects + plan.subjects)
        #expect(rows.map(\.subject) == plan.subjects)
        #expect(rows.allSatisfy { $0.rounds.count == 2 })
    }

    @Test("one failure ends it")
    func fails() {
        let plan = ConsolePlan(bufferSizes: [64], rounds: 2, timeLimit: 10, streamTime: 0.1)
        var count = 0
        #expect(throws: ComparisonError.self) {
            try ConsoleComparison(plan: plan) { _, _ throws(ComparisonError) in
                count += 1
                if count == 20 { throw .fault("wrong") }
                return Self.round(1000)
            }.run()
        }
        #expect(count == 20)
    }

    @Test("a row has the middle of its rounds, their spread, and ratios of the same rounds")
    func row() throws {
        let subject = ConsoleSubject(technique: .virtio, buffer: 64)
        let rounds = [(2000.0, 10), (1000, 30), (4000, 20)].map { Self.round($0, exits: UInt64($1)) }
        let row = try #require(
            ConsoleRow(subject, rounds: rounds, blind: [100, 10, 1000], plain: [1000, 2000, 1000]))
        #expect(row.bytesPerSecond == Spread([1000, 2000, 4000]))
        #expect(row.nanosecondsPerByte == 500_000)
        #expect(row.exitsPerByte == 0.05)
        #expect(row.ratioToBlind == 20)
        #expect(row.ratioToPlain == 2)
        #expect(row.latency?.kind == "portWrite")
        #expect(row.latency?.p50 == 1000)
        #expect(row.latency?.max == 30)
        #expect(ConsoleRow(subject, rounds: [], blind: nil, plain: nil) == nil)
    }

    @Test("only what has buffers is compared with a plain process, and with the same buffers")
    func ratios() {
        let subjects = [
            ConsoleSubject(technique: .plainProcess, buffer: 64),
            ConsoleSubject(technique: .plainProcess, buffer: 4096),
            ConsoleSubject(technique: .virtio, buffer: 4096), ConsoleSubject(technique: .blind, buffer: 65_536),
        ]
        let rows = ConsoleComparison.rows(subjects, [100_000, 400_000, 200_000, 1000].map { [Self.round($0)] })
        #expect(rows.map(\.ratioToPlain) == [1, 1, 0.5, nil])
        #expect(rows.map(\.ratioToBlind) == [100, 400, 200, 1])
    }

    @Test("the sentences say what the figures say")
    func findings() {
        let subjects = [.plainProcess, .virtio, .virtioExits, .blindCoalesced, .blind].map {
            ConsoleSubject(technique: $0, buffer: 65_536)
        }
        let rows = ConsoleComparison.rows(
            subjects, [2_000_000_000, 1_900_000_000, 950_000_000, 500_000, 100_000].map { [Self.round($0)] })
        #expect(
            ConsoleFindings(rows).sentences == [
                "With buffers of 64 KiB virtio moves 19,000 times the bytes per second of a UART whose every byte is an exit, "
                    + "and 95 % of what a process without a virtual machine writes with the same.",
                "Doorbells without exits (ioeventfd) give it 2 times the speed of doorbells by exits.",
                "A byte to the UART takes 10 µs as an exit; waiting in the kernel's ring gives it 5 times the speed.",
            ])
        #expect(ConsoleFindings([]).sentences == [])
        let (fast, slow) = ([9e8, 1e9].map { Self.round($0) }, [9.5e8, 9.5e8].map { Self.round($0) })
        let near = ConsoleComparison.rows(Array(subjects[1...2]), [fast, slow])
        #expect(
            ConsoleFindings(near).sentences == [
                "Whether its doorbells are exits makes no difference that these rounds show."
            ])
    }
}
