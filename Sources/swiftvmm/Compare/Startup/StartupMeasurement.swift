/// `compare startup`.
struct StartupMeasurement: Comparison {
    static let name = "startup"
    private static let steps = 100

    private let work: IsolatedWork

    init() throws(Failure) {
        work = try IsolatedWork(named: Self.name)
    }

    var files: [String] { work.files }

    func run(on host: ComparedHost, isQuick: Bool) throws -> ComparisonResult {
        let result = Recurrence.line(Recurrence(steps: Self.steps).states.last ?? 0)
        let runner = IsolationRunner(work) { _ in ">" + result }
        let comparison = IsolationComparison(
            rounds: isQuick ? 10 : 50, timeLimit: isQuick ? 8 : 45, measure: runner.run)
        let rows = StartupRow.rows(try comparison.run())
        let report = ComparisonReport(
            comparison: Self.name, host: host, isQuick: isQuick, rows: rows, findings: StartupFindings(rows).sentences)
        return ComparisonResult(
            report: report, chart: StartupChart(report).svg, text: StartupTable(report).text,
            glances: [
                Glance("start to first byte", rows) { "\(ShortTime(seconds: $0.firstByteSeconds.median))" },
                Glance("start to end", rows) { "\(ShortTime(seconds: $0.goneSeconds.median))" },
            ])
    }
}
