/// The comparison as a picture.
struct StartupChart {
    let svg: String

    init(_ report: ComparisonReport<StartupRow>) {
        let times: [(name: String, colour: Ink, time: (StartupFigures) -> Spread)] = [
            ("until its first byte", .paravirtual, \.firstByteSeconds), ("until it is gone", .container, \.goneSeconds),
        ]
        let groups = times.map { name, colour, time in
            BarChart.Group(
                name: name, colour: colour,
                bars: report.rows.map { row in
                    guard let figures = row.figures else {
                        return BarChart.Bar(name: row.isolation.name, reason: row.refusal ?? "")
                    }
                    let spread = time(figures)
                    return BarChart.Bar(name: row.isolation.name, spread, label: Self.text(spread.median))
                })
        }
        svg =
            BarChart(
                title: "From start to end: processes, containers, virtual machines", subtitles: report.host.lines,
                groups: groups, axisLabel: Self.text
            ).svg
    }

    private static func text(_ seconds: Double) -> String {
        seconds < 0.9995 ? "\(ShortNumber(seconds * 1000)) ms" : "\(ShortNumber(seconds)) s"
    }
}
