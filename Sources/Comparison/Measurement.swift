/// One comparison: what it needs was found when it was made.
package protocol Measurement {
    /// Its word on the command line.
    static var name: String { get }
    /// The programs that it runs, which no output may replace.
    var files: [String] { get }

    func run(_ conditions: MeasurementConditions) throws(ComparisonError) -> ComparisonResult
}

/// Under what figures are made. No figure is told without it.
package struct MeasurementConditions {
    /// Of swiftvmm, as it tells it.
    let version: String
    package let host: ComparedHost
    /// Whether less is measured, and fewer times.
    let isQuick: Bool

    package init(version: String, host: ComparedHost, isQuick: Bool) {
        (self.version, self.host, self.isQuick) = (version, host, isQuick)
    }
}

/// All that a comparison found, as `--json` writes it.
struct ComparisonReport<Row: Encodable>: Encodable {
    let comparison: String
    let version: String
    let host: ComparedHost
    let isQuick: Bool
    /// What others had of the machine's processors meanwhile, from 0 to 1; nil where that does not matter or is not known.
    let othersShareOfProcessors: Double?
    let rows: [Row]
    /// In plain words.
    let findings: [String]

    /// - Parameter load: since before the first run, where times are measured.
    init(
        _ comparison: String, _ conditions: MeasurementConditions, _ load: ProcessorLoad? = nil, rows: [Row],
        findings: [String]
    ) {
        self.comparison = comparison
        (version, host, isQuick) = (conditions.version, conditions.host, conditions.isQuick)
        othersShareOfProcessors = load?.othersShare
        self.rows = rows
        self.findings = findings + [ProcessorLoad.finding(othersShareOfProcessors)].compactMap(\.self)
    }
}

/// What a comparison found, in each form in which it is told.
package struct ComparisonResult: Encodable {
    private let report: any Encodable
    private let glances: [Glance]
    /// As SVG.
    package let chart: String
    /// For a terminal: the table, what it shows, and the host.
    package let text: String

    init<Row>(_ report: ComparisonReport<Row>, table: ColumnTable, chart: BarChart, glances: [Glance]) {
        (self.report, self.glances) = (report, glances)
        self.chart = chart.svg
        text = ([table.text, ""] + report.findings + [""] + report.host.lines).joined(separator: "\n")
    }

    package func encode(to encoder: any Encoder) throws { try report.encode(to: encoder) }

    /// What several comparisons found, one after the other, and all of it in short.
    ///
    /// - Parameter names: of the comparisons; those that come after the last result have none.
    package static func text(_ results: [ComparisonResult], _ names: [String], on host: ComparedHost) -> String {
        let parts = zip(names, results).map { name, result in heading("compare \(name)") + result.text }
        let short = heading("in short") + Glance.table(results.flatMap(\.glances)).text
        return (parts + [short, host.lines.joined(separator: "\n")]).joined(separator: "\n\n")
    }

    private static func heading(_ text: String) -> String {
        "\(text)\n\(String(repeating: "═", count: text.count))\n\n"
    }
}

/// What one comparison comes to, in a line of a table that has a column for each kind of isolation.
struct Glance {
    let name: String
    /// Without one for what this comparison says nothing of.
    let cells: [Isolation.Kind: String]

    init(name: String, cells: [Isolation.Kind: String]) {
        (self.name, self.cells) = (name, cells)
    }

    /// The simplest of each kind stands for it; a reason for what is missing is in the whole table.
    init<Figures, Round>(_ name: String, _ rows: [IsolationRow<Figures, Round>], _ text: (Figures) -> String) {
        let simplest = rows.filter { [.process, .container, .longMode].contains($0.isolation) }
        self.init(
            name: name,
            cells: Dictionary(
                simplest.compactMap { row in row.figures.map { (row.isolation.kind, text($0)) } },
                uniquingKeysWith: { $1 }))
    }

    /// The lines of several comparisons.
    static func table(_ lines: [Glance]) -> ColumnTable {
        let kinds: [(Isolation.Kind, title: String)] = [
            (.process, "host process"), (.container, "container"), (.machine, "virtual machine"),
        ]
        var table = ColumnTable([("", .left)] + kinds.map { ($0.title, .right) })
        for line in lines { table.add([line.name] + kinds.map { line.cells[$0.0] ?? "–" }) }
        return table
    }
}
