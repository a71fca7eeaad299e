import Testing

@testable import Comparison
@testable import swiftvmm

@Suite("How compare startup and memory make their figures")
struct IsolationFigureTests {
    private static func run(_ gone: Double) -> IsolatedRun {
        IsolatedRun(firstByte: gone / 2, workDone: gone * 0.75, gone: gone, memory: nil, notes: [])
    }

    @Test("after a look at each that does not count, rounds take turns, to and fro")
    func interleaves() throws {
        var runs: [Isolation] = []
        let results = try IsolationComparison<IsolatedRun>(rounds: 4, timeLimit: 100) {
            isolation throws(ComparisonError) in
            runs.append(isolation)
            return .measured(Self.run(Double(runs.count)))
        }.run()
        let (forwards, backwards) = (Isolation.allCases, Array(Isolation.allCases.reversed()))
        #expect(runs == [forwards, backwards, forwards, backwards, forwards].flatMap(\.self))
        #expect(results.map(\.isolation) == Isolation.allCases)
        #expect(results.allSatisfy { $0.rounds.count == 4 })
        #expect(results[0].rounds[0].gone == Double(Isolation.allCases.count * 2))
    }

    @Test("what is refused is not tried again, and has no figures, even when it was measured before")
    func refused() throws {
        var tries = [Isolation: Int]()
        let results = try IsolationComparison<IsolatedRun>(rounds: 5, timeLimit: 100) {
            isolation throws(ComparisonError) in
            tries[isolation, default: 0] += 1
            if isolation == .runc { return .refused(Refusal(reason: "not here")) }
            if isolation == .podman, tries[isolation] == 3 { return .refused(Refusal(reason: "no more")) }
            return .measured(Self.run(1))
        }.run()
        #expect(tries[.runc] == 1 && tries[.podman] == 3 && tries[.process] == 6)
        let rows = StartupRow.rows(results)
        #expect(rows.filter { $0.figures == nil }.map(\.refusal) == ["not here", "no more"])
    }

    @Test("without time there are three rounds, and one failure ends it")
    func limits() throws {
        let results = try IsolationComparison<IsolatedRun>(rounds: 50, timeLimit: 0) { _ throws(ComparisonError) in
            .measured(Self.run(1))
        }.run()
        #expect(results.allSatisfy { $0.rounds.count == 3 })
        #expect(throws: ComparisonError.self) {
            try IsolationComparison<IsolatedRun>(rounds: 50, timeLimit: 100) { _ throws(ComparisonError) in
                throw .fault("wrong")
            }.run()
        }
    }

    @Test("a ratio is of the same rounds")
    func ratios() {
        let process = IsolationResult(isolation: .process, rounds: [1, 2, 4].map(Self.run))
        let machine = IsolationResult(isolation: .longMode, rounds: [10, 40, 120].map(Self.run))
        let row = StartupRow.rows([process, machine])[1]
        #expect(row.figures?.ratioToProcess == Spread([10, 20, 30]))
        #expect(row.figures?.firstByteSeconds == Spread([5, 20, 60]))
    }

    @Test("memory is what is beyond the work's")
    func memory() {
        let process = ProportionalMemory.Process(name: "a", bytes: 9 << 20, anonymousBytes: 8 << 20, fileBytes: 1 << 20)
        let helper = ProportionalMemory.Process(name: "b", bytes: 512 << 10, anonymousBytes: 0, fileBytes: 512 << 10)
        let run = IsolatedRun(
            firstByte: 1, workDone: 1, gone: 1, memory: ProportionalMemory(processes: [process, helper]),
            notes: ["a note"])
        let row = MemoryRow(IsolationResult(isolation: .container, rounds: [run]))
        #expect(row.figures?.isolationBytes == Spread([1.5 * 0x1p20]))
        #expect(row.figures?.totalBytes == Spread([9.5 * 0x1p20]))
        #expect(row.figures?.fileBytes == Spread([1.5 * 0x1p20]))
        #expect(row.notIsolated == ["a note"])
        #expect(MemoryFindings([row]).sentences.first == "The container was not isolated: a note.")
        let unseen = MemoryRow(IsolationResult(isolation: .podman, rounds: [Self.run(1)]))
        #expect(unseen.figures == nil && unseen.refusal == "its memory cannot be read in /proc")
    }

    @Test("what the works print is what this computes")
    func recurrence() {
        #expect(Recurrence.line(Recurrence(steps: 100).states[99]) == "7febb025\n")
        #expect(Recurrence.line(Recurrence(steps: 2048).sum) == "3398a400\n")
        #expect(Recurrence.line(Recurrence(steps: 64).sum) == "956c7d20\n")
        #expect(Recurrence.line(7) == "00000007\n")
    }

    @Test("a process's last words are without swiftvmm's name; where there are none, its status")
    func lastWords() {
        #expect(LastWords("a\nswiftvmm: b\n", status: 1).text == "b")
        #expect(LastWords("Error: c", status: 1).text == "Error: c")
        #expect(LastWords("", status: 137).text == "status 137")
        #expect(
            LastWords("time=\"1\" level=error msg=\"runc run failed: d\"\n", status: 1).text == "runc run failed: d")
    }

    @Test("bytes have the unit that suits them")
    func byteCounts() {
        let texts = [0, 1000, 1024, 1.5 * 0x1p20, 0x1p30].map { "\(ByteCount($0))" }
        #expect(texts == ["0 B", "1,000 B", "1 KiB", "1.5 MiB", "1 GiB"])
    }

    @Test("a row without figures has a note instead, which widens no column")
    func note() {
        var table = ColumnTable([("name", .left), ("ms", .right)])
        table.add(["longer", "10"])
        table.add("a", note: "not installed at all")
        #expect(table.text == "name    ms\n──────  ──\nlonger  10\na       not installed at all")
    }

    @Test("of several charts each has its name")
    func chartPaths() {
        #expect(ComparisonOptions.chartPath("a/charts.svg", "console") == "a/charts-console.svg")
        #expect(ComparisonOptions.chartPath("charts", "memory") == "charts-memory")
    }

    @Test("a bar without a value has its reason, and does not stretch the axis")
    func missingBar() throws {
        let five = try #require(Spread([5]))
        let bars = [BarChart.Bar(name: "a", five, label: "5"), BarChart.Bar(name: "b", reason: "not <here>")]
        let chart = BarChart(
            title: "t", subtitles: [], groups: [.init(name: "g", colour: .gray, bars: bars)], note: "",
            axisLabel: { "\($0)" })
        #expect(chart.svg.contains(">not &lt;here&gt;<"))
        #expect(chart.svg.ranges(of: "height=\"16\" rx=\"2\"").count == 1)
        #expect(chart.svg.contains(">10.0<") && !chart.svg.contains(">100.0<"))
    }
}
