/// The comparison as a person reads it: the table, what it shows, and the host.
struct StartupTable {
    let text: String

    init(_ report: ComparisonReport<StartupRow>) {
        var table = ColumnTable([
            ("subject", .left), ("first byte ms", .right), ("from–to", .right), ("work done ms", .right),
            ("from–to", .right), ("gone ms", .right), ("from–to", .right), ("× process", .right),
        ])
        for row in report.rows {
            if let figures = row.figures {
                let times = [figures.firstByteSeconds, figures.workDoneSeconds, figures.goneSeconds].flatMap { time in
                    [Self.milliseconds(time.median), "\(Self.milliseconds(time.min))–\(Self.milliseconds(time.max))"]
                }
                table.add([row.isolation.name] + times + ["\(ShortNumber(figures.ratioToProcess.median))"])
            } else {
                table.add(row.isolation.name, note: row.refusal ?? "")
            }
        }
        text = ([table.text, ""] + report.findings + [""] + report.host.lines).joined(separator: "\n")
    }

    private static func milliseconds(_ seconds: Double) -> String { "\(ShortNumber(seconds * 1000))" }
}
