/// `compare console`.
struct ConsoleMeasurement: Comparison {
    static let name = "console"

    private let guest: GuestFile

    init() throws(Failure) {
        guest = try GuestFile(named: "console-bench.elf")
    }

    /// - Parameter guest: instead of the guest in `guests/build`.
    init(guest: String?) throws(Failure) {
        self.guest = try GuestFile(named: "console-bench.elf", given: guest)
    }

    var files: [String] { [guest.path] }

    func run(on host: ComparedHost, isQuick: Bool) throws -> ComparisonResult {
        let plan = isQuick ? ConsolePlan.quick : ConsolePlan.full
        let runner = ConsoleSubjectRunner(guest: guest.path, timeLimit: Int(plan.timeLimit))
        let comparison = ConsoleComparison(plan: plan, measure: runner.measure)
        let report = ConsoleReport(host: host, isQuick: isQuick, rows: try comparison.run())
        return ComparisonResult(report: report, chart: ConsoleChart(report).svg, text: ConsoleTable(report).text)
    }
}
