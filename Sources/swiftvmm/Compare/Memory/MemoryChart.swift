/// The comparison as a picture.
struct MemoryChart {
    let svg: String

    init(_ report: ComparisonReport<MemoryRow>) {
        let groups = Isolation.Kind.allCases.map { kind in
            let rows = report.rows.filter { $0.isolation.kind == kind }
            return BarChart.Group(name: kind.name, colour: kind.colour, bars: rows.map(Self.bar))
        }
        svg =
            BarChart(
                title: "What isolation takes of memory: proportional set size without the work's",
                subtitles: report.host.lines, groups: groups, note: "Shorter is better.",
                axisLabel: { "\(ShortNumber($0)) KiB" }
            ).svg
    }

    private static func bar(_ row: MemoryRow) -> BarChart.Bar {
        guard let own = row.figures?.isolationBytes else {
            return BarChart.Bar(name: row.isolation.name, reason: row.refusal ?? "")
        }
        return BarChart.Bar(
            name: row.isolation.name, value: own.median / 1024, low: own.min / 1024, high: own.max / 1024,
            label: "\(ByteCount(own.median))")
    }
}
