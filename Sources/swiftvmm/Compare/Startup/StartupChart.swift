/// The comparison as a picture.
struct StartupChart {
    let svg: String

    init(_ report: ComparisonReport<StartupRow>) {
        let groups = Isolation.Kind.allCases.map { kind in
            let rows = report.rows.filter { $0.isolation.kind == kind }
            return BarChart.Group(name: kind.name, colour: kind.colour, bars: rows.flatMap(Self.bars))
        }
        svg =
            BarChart(
                title: "From start to end: processes, containers, virtual machines", subtitles: report.host.lines,
                groups: groups, note: "Shorter is better.", axisLabel: { "\(ShortTime(seconds: $0))" }
            ).svg
    }

    /// Two of each subject, or one with a reason.
    private static func bars(_ row: StartupRow) -> [BarChart.Bar] {
        let name = row.isolation.name
        guard let figures = row.figures else { return [BarChart.Bar(name: name, reason: row.refusal ?? "")] }
        let times = [("\(name): first byte", figures.firstByteSeconds), ("gone", figures.goneSeconds)]
        return times.map { name, time in BarChart.Bar(name: name, time, label: "\(ShortTime(seconds: time.median))") }
    }
}
