/// The comparison as a picture.
struct ComputeChart {
    private static let inks: [(ComputeWork, Ink)] = [
        (.integer, .emulated), (.memory, .paravirtual), (.branches, .container),
    ]

    let svg: String

    init(_ report: ComparisonReport<ComputeRow>) {
        let groups = Self.inks.map { work, ink in
            BarChart.Group(
                name: work.name, colour: ink, bars: report.rows.filter { $0.subject.work == work }.map(Self.bar))
        }
        svg =
            BarChart(
                title: "The same work in a process, a container and a guest: time for an operation",
                subtitles: report.host.lines, groups: groups, axisLabel: { "\(ShortNumber($0)) ns" }
            ).svg
    }

    private static func bar(_ row: ComputeRow) -> BarChart.Bar {
        guard let time = row.nanosecondsPerOperation else {
            return BarChart.Bar(name: row.subject.place.name, reason: row.refusal ?? "")
        }
        return BarChart.Bar(name: row.subject.place.name, time, label: "\(ShortNumber(time.median)) ns")
    }
}
