/// The comparison as a table and as a picture.
enum StartupReport {
    static func table(_ rows: [StartupRow]) -> ColumnTable {
        var table = ColumnTable([
            ("subject", .left), ("first byte ms", .right), ("from–to", .right), ("work done ms", .right),
            ("from–to", .right), ("gone ms", .right), ("from–to", .right), ("× process", .right),
        ])
        for row in rows {
            if let figures = row.figures {
                let times = [figures.firstByteSeconds, figures.workDoneSeconds, figures.goneSeconds].flatMap { time in
                    [Self.milliseconds(time.median), "\(Self.milliseconds(time.min))–\(Self.milliseconds(time.max))"]
                }
                table.add([row.isolation.name] + times + ["\(ShortNumber(figures.ratioToProcess.median))"])
            } else {
                table.add(row.isolation.name, note: row.refusal ?? "")
            }
        }
        return table
    }

    private static func milliseconds(_ seconds: Double) -> String { "\(ShortNumber(seconds * 1000))" }

    static func chart(_ rows: [StartupRow], on host: ComparedHost) -> BarChart {
        let groups = Isolation.Kind.allCases.map { kind in
            let rows = rows.filter { $0.isolation.kind == kind }
            return BarChart.Group(name: kind.name, colour: kind.colour, bars: rows.flatMap(Self.bars))
        }
        return BarChart(
            title: "From start to end: processes, containers, virtual machines", subtitles: host.lines,
            groups: groups, note: "Shorter is better.", axisLabel: { "\(ShortTime(seconds: $0))" })
    }

    /// Two of each subject, or one with a reason.
    private static func bars(_ row: StartupRow) -> [BarChart.Bar] {
        let name = row.isolation.name
        guard let figures = row.figures else { return [BarChart.Bar(name: name, reason: row.refusal ?? "")] }
        let times = [("\(name): first byte", figures.firstByteSeconds), ("gone", figures.goneSeconds)]
        return times.map { name, time in BarChart.Bar(name: name, time, label: "\(ShortTime(seconds: time.median))") }
    }
}

/// What the figures show, in sentences that are made from them.
struct StartupFindings {
    let sentences: [String]

    init(_ rows: [StartupRow]) {
        let row = { (isolation: Isolation) in rows.first { $0.isolation == isolation } }
        sentences =
            [
                Self.firstByte(row(.longMode), row(.process), row(.container)),
                Self.more(row(.interrupts), than: row(.longMode)),
            ].compactMap(\.self) + [Isolation.runc, .podman].compactMap { Self.engine(row($0), row(.container)) }
            + rows.flatMap(\.notes)
    }

    private static func firstByte(_ machine: StartupRow?, _ process: StartupRow?, _ container: StartupRow?) -> String? {
        guard let machine, let figures = machine.figures, let process,
            let ratio = ratio(machine, process, \.firstByteSeconds)
        else { return nil }
        let time =
            "The first byte from a virtual machine in long mode comes after \(milliseconds(figures.firstByteSeconds.median))"
        let other = container.flatMap { self.ratio(machine, $0, \.firstByteSeconds) }.map {
            // Some rounds say this, and some that.
            $0.min < 1 && $0.max > 1
                ? ", and about when that of a container does"
                : ", and \(ShortNumber($0.median)) times that of a container"
        }
        return "\(time): \(ShortNumber(ratio.median)) times that of a host process\(other ?? "")."
    }

    private static func more(_ full: StartupRow?, than plain: StartupRow?) -> String? {
        guard let full, let plain,
            let difference = Spread(zip(full.rounds, plain.rounds).map { $0.goneSeconds - $1.goneSeconds }),
            difference.median > 0
        else { return nil }
        return
            "Interrupt controllers and timers (--irqchip full) add \(milliseconds(difference.median)) from start to end, "
            + "which includes that the option is parsed."
    }

    private static func engine(_ engine: StartupRow?, _ container: StartupRow?) -> String? {
        guard let engine, let container, let ratio = ratio(engine, container, \.goneSeconds) else { return nil }
        return
            "A \(engine.isolation.name) takes \(ShortNumber(ratio.median)) times as long as one by swiftvmm's own helper."
    }

    /// Of the same rounds, which were made at nearly the same time.
    private static func ratio(_ row: StartupRow, _ other: StartupRow, _ time: (StartupRound) -> Double) -> Spread? {
        Spread(zip(row.rounds, other.rounds).map { time($0) / time($1) })
    }

    private static func milliseconds(_ seconds: Double) -> String { "\(ShortNumber(seconds * 1000)) ms" }
}
