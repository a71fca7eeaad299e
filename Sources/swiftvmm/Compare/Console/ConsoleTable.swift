/// The comparison as a person reads it: the table, what it shows, and the host.
struct ConsoleTable {
    let text: String

    init(_ report: ConsoleReport) {
        var table = ColumnTable([
            ("technique", .left), ("buffer", .right), ("speed", .right), ("from–to", .right), ("ns/byte", .right),
            ("exits/byte", .right), ("CPU s/GiB", .right), ("p50 µs", .right), ("p99 µs", .right), ("max µs", .right),
            ("× blind", .right), ("% of plain", .right),
        ])
        for row in report.rows { table.add(Self.cells(row)) }
        text = ([table.text, ""] + report.findings + [""] + report.host.lines).joined(separator: "\n")
    }

    private static func cells(_ row: ConsoleRow) -> [String] {
        let rate = ByteRate(row.bytesPerSecond.median)
        let latencies = [row.latency?.p50, row.latency?.p99, row.latency?.max].map { text($0.map { $0 / 1000 }) }
        return [
            row.subject.technique.name, row.subject.technique.hasBuffers ? row.subject.bufferName : "–",
            rate.description, rate.range(row.bytesPerSecond.min, row.bytesPerSecond.max), text(row.nanosecondsPerByte),
            text(row.exitsPerByte), text(row.cpuSecondsPerGiB),
        ] + latencies + [text(row.ratioToBlind), text(row.ratioToPlain.map { $0 * 100 })]
    }

    private static func text(_ value: Double?) -> String {
        guard let value else { return "–" }
        return "\(ShortNumber(value))"
    }
}
