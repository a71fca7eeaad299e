/// The comparison as a picture.
struct ConsoleChart {
    let svg: String

    init(_ report: ConsoleReport) {
        let kinds: [(ConsoleTechnique.Kind, name: String, colour: Ink)] = [
            (.plain, "plain process", .plain), (.paravirtual, "paravirtual", .paravirtual),
            (.emulated, "emulated UART", .emulated),
        ]
        let groups = kinds.map { kind, name, colour in
            let rows = report.rows.filter { $0.subject.technique.kind == kind }
            return BarChart.Group(name: name, colour: colour, bars: rows.map(Self.bar))
        }
        svg =
            BarChart(
                title: "Printing from a virtual machine: bytes per second", subtitles: report.host.lines,
                groups: groups.filter { !$0.bars.isEmpty }, axisLabel: { "\(ByteRate($0))" }
            ).svg
    }

    private static func bar(_ row: ConsoleRow) -> BarChart.Bar {
        BarChart.Bar(
            name: row.subject.name, value: row.bytesPerSecond.median, low: row.bytesPerSecond.min,
            high: row.bytesPerSecond.max, label: "\(ByteRate(row.bytesPerSecond.median))")
    }
}
