/// `compare compute`.
package struct ComputeMeasurement: Measurement {
    package static let name = "compute"
    /// Ring 0 is interpreted where its instructions take so many times as long as ring 3's: that is a thousand times there, and
    /// elsewhere not even on a busy machine so many.
    private static let nativeRatio = 20.0

    private let process: GuestFile
    private let guest: GuestFile

    package init() throws(ComparisonError) {
        process = try GuestFile(named: "compute-process")
        guest = try GuestFile(named: "compute-bench.elf")
    }

    package var files: [String] { [process.path, guest.path] }

    package func run(_ conditions: MeasurementConditions) throws(ComparisonError) -> ComparisonResult {
        let load = ProcessorLoad()
        let plan = conditions.isQuick ? ComputePlan.quick : ComputePlan.full
        let runner = ComputeRunner(process: process.path, guest: guest.path)
        var comparison = ComputeComparison(
            plan: plan, refusals: Self.refusals(on: conditions.host), measure: runner.measure)
        let rows = try comparison.run()
        let report = ComparisonReport(
            Self.name, conditions, load, rows: rows, findings: ComputeFindings(rows).sentences)
        return ComparisonResult(
            report, table: ComputeReport.table(rows), chart: ComputeReport.chart(rows, on: conditions.host),
            glances: ComputeWork.allCases.map { Self.glance(rows, $0) })
    }

    private static func glance(_ rows: [ComputeRow], _ work: ComputeWork) -> Glance {
        func time(_ place: ComputePlace) -> String? {
            let row = rows.first { $0.subject == ComputeSubject(work: work, place: place) }
            return row?.ratioToProcess.map { "\(ShortNumber($0.median * 100)) %" }
        }
        var cells: [Isolation.Kind: String] = [:]
        cells[.process] = time(.process)
        cells[.container] = time(.container)
        cells[.machine] = time(.ring3)
        return Glance(name: "time for \(work.name)", cells: cells)
    }

    /// Where an instruction of ring 0 costs a hundred times what it should, a second's work would take minutes.
    static func refusals(on host: ComparedHost) -> [ComputePlace: Refusal] {
        guard let ring0 = host.ring0InstructionNanoseconds, let ring3 = host.ring3InstructionNanoseconds,
            ring0 > ring3 * nativeRatio
        else { return [:] }
        return [
            .ring0: Refusal(
                reason:
                    "this host's KVM interprets it, at \(ShortNumber(ring0)) ns an instruction instead of \(ShortNumber(ring3))"
            )
        ]
    }
}

/// The comparison as a table and as a picture.
enum ComputeReport {
    static func table(_ rows: [ComputeRow]) -> ColumnTable {
        var table = ColumnTable([
            ("work and place", .left), ("ns/operation", .right), ("from–to", .right), ("% of process", .right),
            ("from–to", .right),
        ])
        for row in rows {
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
        return table
    }

    private static func percent(_ ratio: Double) -> String { "\(ShortNumber(ratio * 100))" }

    private static let inks: [(ComputeWork, Ink)] = [
        (.integer, .orange), (.memory, .green), (.branches, .blue),
    ]

    static func chart(_ rows: [ComputeRow], on host: ComparedHost) -> BarChart {
        let groups = Self.inks.map { work, ink in
            BarChart.Group(
                name: work.name, colour: ink, bars: rows.filter { $0.subject.work == work }.map(Self.bar))
        }
        return BarChart(
            title: "The same work in a process, a container and a guest: time for an operation",
            subtitles: host.lines, groups: groups, note: "Shorter is better.",
            axisLabel: { "\(ShortNumber($0)) ns" })
    }

    private static func bar(_ row: ComputeRow) -> BarChart.Bar {
        guard let time = row.nanosecondsPerOperation else {
            return BarChart.Bar(name: row.subject.place.name, reason: row.refusal ?? "")
        }
        return BarChart.Bar(name: row.subject.place.name, time, label: "\(ShortNumber(time.median)) ns")
    }
}

/// What the figures show, in sentences that are made from them.
struct ComputeFindings {
    let sentences: [String]

    init(_ rows: [ComputeRow]) {
        let notes = rows.first { $0.subject.place == .container }?.rounds.first?.notes ?? []
        sentences =
            Self.times(rows) + notes.map { "The container was not isolated: \($0)." }
            + [Self.unseen(rows.flatMap(\.rounds))].compactMap(\.self)
    }

    private static func unseen(_ rounds: [ComputeRound]) -> String? {
        let count = rounds.count(where: \.isFromStart)
        guard count > 0 else { return nil }
        return
            "The machine was too busy to see the work begin in \(count) of \(rounds.count) runs: their times count from the "
            + "start of the process, so that they are above what the work took."
    }

    private static func times(_ rows: [ComputeRow]) -> [String] {
        [ComputePlace.container, .ring3, .ring0].compactMap { place in
            let own = rows.filter { $0.subject.place == place }
            if let refusal = own.lazy.compactMap(\.refusal).first { return "Not measured: \(place.name), \(refusal)." }
            let times = own.compactMap { row in
                row.ratioToProcess.map {
                    "\(ShortNumber(($0.median * 1000).rounded() / 10)) % for \(row.subject.work.name)"
                }
            }
            guard !times.isEmpty else { return nil }
            return "A \(Self.phrase(place)) takes, of a host process's time, \(times.joined(separator: ", "))."
        }
    }

    private static func phrase(_ place: ComputePlace) -> String {
        switch place {
        case .ring3: "guest in ring 3"
        case .ring0: "guest in ring 0"
        case .process, .container: place.name
        }
    }
}
