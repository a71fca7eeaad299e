/// The comparison as a person reads it: the table, what it shows, and the host.
struct ComputeTable {
    let text: String

    init(_ report: ComparisonReport<ComputeRow>) {
        var table = ColumnTable([
            ("work and place", .left), ("ns/operation", .right), ("from–to", .right), ("% of process", .right),
            ("from–to", .right),
        ])
        for row in report.rows {
            if let time = row.nanosecondsPerOperation, let ratio = row.ratioToProcess {
                table.add([
                    row.subject.name, "\(ShortNumber(time.median))",
                    "\(ShortNumber(time.min))–\(ShortNumber(time.max))",
                    Self.percent(ratio.median), "\(Self.percent(ratio.min))–\(Self.percent(ratio.max))",
                ])
            } else {
                table.add(row.subject.name, note: row.refusal ?? "")
            }
        }
        text = ([table.text, ""] + report.findings + [""] + report.host.lines).joined(separator: "\n")
    }

    private static func percent(_ ratio: Double) -> String { "\(ShortNumber(ratio * 100))" }
}
