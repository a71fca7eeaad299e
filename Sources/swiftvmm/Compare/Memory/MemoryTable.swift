/// The comparison as a person reads it: the table, what it shows, and the host.
struct MemoryTable {
    let text: String

    init(_ report: ComparisonReport<MemoryRow>) {
        var table = ColumnTable([
            ("subject", .left), ("isolation", .right), ("from–to KiB", .right), ("work", .right), ("total", .right),
            ("anonymous", .right), ("of files", .right), ("processes", .left),
        ])
        for row in report.rows {
            guard let figures = row.figures else {
                table.add(row.isolation.name, note: row.refusal ?? "")
                continue
            }
            let own = figures.isolationBytes
            table.add([
                row.isolation.name, "\(ByteCount(own.median))",
                "\(ShortNumber(own.min / 1024))–\(ShortNumber(own.max / 1024))",
                "\(ByteCount(Double(figures.workBytes)))", "\(ByteCount(figures.totalBytes.median))",
                "\(ByteCount(figures.anonymousBytes.median))", "\(ByteCount(figures.fileBytes.median))",
                (row.rounds.last?.processes ?? []).map(\.name).joined(separator: ", "),
            ])
        }
        text = ([table.text, ""] + report.findings + [""] + report.host.lines).joined(separator: "\n")
    }
}
