/// `compare startup`.
package struct StartupMeasurement: Measurement {
    package static let name = "startup"
    private static let steps = 100

    private let work: IsolatedWork

    package init() throws(ComparisonError) {
        work = try IsolatedWork(named: Self.name)
    }

    package var files: [String] { work.files }

    package func run(_ conditions: MeasurementConditions) throws(ComparisonError) -> ComparisonResult {
        let load = ProcessorLoad()
        let result = Recurrence.line(Recurrence(steps: Self.steps).states.last ?? 0)
        let runner = IsolationRunner(work) { _ in ">" + result }
        let comparison = IsolationComparison(
            rounds: conditions.isQuick ? 10 : 50, timeLimit: conditions.isQuick ? 8 : 45, measure: runner.run)
        let rows = StartupRow.rows(try comparison.run())
        let report = ComparisonReport(
            Self.name, conditions, load, rows: rows, findings: StartupFindings(rows).sentences)
        return ComparisonResult(
            report, table: StartupReport.table(rows), chart: StartupReport.chart(rows, on: conditions.host),
            glances: [
                Glance("start to first byte", rows) { "\(ShortTime(seconds: $0.firstByteSeconds.median))" },
                Glance("start to end", rows) { "\(ShortTime(seconds: $0.goneSeconds.median))" },
            ])
    }
}

/// How long one subject took.
typealias StartupRow = IsolationRow<StartupFigures, StartupRound>

extension StartupRow {
    static func rows(_ results: [IsolationResult<IsolatedRun>]) -> [StartupRow] {
        let base = results.first { $0.isolation == .process }?.rounds ?? []
        return results.map { StartupRow($0, base: base) }
    }

    private init(_ result: IsolationResult<IsolatedRun>, base: [IsolatedRun]) {
        self.init(
            isolation: result.isolation, figures: StartupFigures(result.rounds, base: base),
            refusal: result.refusal?.reason, notIsolated: result.rounds.first?.notes ?? [],
            rounds: result.rounds.map {
                StartupRound(firstByteSeconds: $0.firstByte, workDoneSeconds: $0.workDone, goneSeconds: $0.gone)
            })
    }
}

/// What all rounds of a subject say together, from just before its process was started.
struct StartupFigures: Encodable {
    /// Until the first byte of its output arrived.
    let firstByteSeconds: Spread
    /// Until the last byte arrived.
    let workDoneSeconds: Spread
    /// Until its process was gone, and waited for.
    let goneSeconds: Spread
    /// How many times what a host process took in the same round, until it was gone.
    let ratioToProcess: Spread

    /// Nil where there are no rounds.
    init?(_ rounds: [IsolatedRun], base: [IsolatedRun]) {
        guard let first = Spread(rounds.map(\.firstByte)), let done = Spread(rounds.map(\.workDone)),
            let gone = Spread(rounds.map(\.gone)), let ratio = Spread(zip(rounds, base).map { $0.gone / $1.gone })
        else { return nil }
        (firstByteSeconds, workDoneSeconds, goneSeconds, ratioToProcess) = (first, done, gone, ratio)
    }
}

/// One run, from just before its process was started.
struct StartupRound: Encodable {
    let firstByteSeconds: Double
    let workDoneSeconds: Double
    let goneSeconds: Double
}
