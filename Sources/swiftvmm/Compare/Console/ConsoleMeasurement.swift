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
        let rows = try comparison.run()
        let report = ComparisonReport(
            comparison: Self.name, host: host, isQuick: isQuick, rows: rows, findings: ConsoleFindings(rows).sentences)
        return ComparisonResult(
            report: report, chart: ConsoleChart(report).svg, text: ConsoleTable(report).text,
            glances: [
                Self.glance(rows, "printing, paravirtual: virtio", .virtio, beside: .plainProcess),
                Self.glance(rows, "printing, emulated: UART", .blind, beside: nil),
            ])
    }

    /// With the largest buffers, beside what a process has for it. A container writes as a process does.
    private static func glance(
        _ rows: [ConsoleRow], _ name: String, _ technique: ConsoleTechnique, beside other: ConsoleTechnique?
    ) -> Glance {
        func rate(_ technique: ConsoleTechnique) -> String? {
            let row = rows.filter { $0.subject.technique == technique }.max { $0.subject.buffer < $1.subject.buffer }
            return row.map { "\(ByteRate($0.bytesPerSecond.median))" }
        }
        var cells: [Isolation.Kind: String] = [:]
        cells[.process] = other.flatMap(rate)
        cells[.machine] = rate(technique)
        return Glance(name: name, cells: cells)
    }
}
