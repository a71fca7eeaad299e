/// `compare console`.
package struct ConsoleMeasurement: Measurement {
    package static let name = "console"

    private let guest: GuestFile

    package init() throws(ComparisonError) {
        guest = try GuestFile(named: "console-bench.elf")
    }

    /// - Parameter guest: instead of the guest in `guests/build`.
    package init(guest: String?) throws(ComparisonError) {
        self.guest = try GuestFile(named: "console-bench.elf", given: guest)
    }

    package var files: [String] { [guest.path] }

    package func run(_ conditions: MeasurementConditions) throws(ComparisonError) -> ComparisonResult {
        let load = ProcessorLoad()
        let plan = conditions.isQuick ? ConsolePlan.quick : ConsolePlan.full
        let runner = ConsoleSubjectRunner(guest: guest.path)
        let comparison = ConsoleComparison(plan: plan, measure: runner.measure)
        let rows = try comparison.run()
        let report = ComparisonReport(
            Self.name, conditions, load, rows: rows, findings: ConsoleFindings(rows).sentences)
        return ComparisonResult(
            report, table: ConsoleReport.table(rows), chart: ConsoleReport.chart(rows, on: conditions.host),
            glances: [
                Self.glance(rows, "printing, paravirtual: virtio", .virtio, beside: .plainProcess),
                Self.glance(rows, "printing, emulated: UART", .blind, beside: nil),
            ])
    }

    /// With the largest buffers, beside what a process has for it. A container writes as a process does.
    private static func glance(
        _ rows: [ConsoleRow], _ name: String, _ technique: ConsoleTechnique, beside other: ConsoleTechnique?
    ) -> Glance {
        func rate(_ technique: ConsoleTechnique) -> String? {
            let row = rows.filter { $0.subject.technique == technique }.max { $0.subject.buffer < $1.subject.buffer }
            return row.map { "\(ByteRate($0.bytesPerSecond.median))" }
        }
        var cells: [Isolation.Kind: String] = [:]
        cells[.process] = other.flatMap(rate)
        cells[.machine] = rate(technique)
        return Glance(name: name, cells: cells)
    }
}

/// The comparison as a table and as a picture.
enum ConsoleReport {
    static func table(_ rows: [ConsoleRow]) -> ColumnTable {
        var table = ColumnTable([
            ("technique", .left), ("buffer", .right), ("speed", .right), ("from–to", .right), ("ns/byte", .right),
            ("exits/byte", .right), ("CPU s/GiB", .right), ("p50 µs", .right), ("p99 µs", .right), ("max µs", .right),
            ("× blind", .right), ("% of plain", .right),
        ])
        for row in rows { table.add(Self.cells(row)) }
        return table
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

    static func chart(_ rows: [ConsoleRow], on host: ComparedHost) -> BarChart {
        let kinds: [(ConsoleTechnique.Kind, name: String, colour: Ink)] = [
            (.plain, "plain process", .gray), (.paravirtual, "paravirtual", .green),
            (.emulated, "emulated UART", .orange),
        ]
        let groups = kinds.map { kind, name, colour in
            let rows = rows.filter { $0.subject.technique.kind == kind }
            return BarChart.Group(name: name, colour: colour, bars: rows.map(Self.bar))
        }
        return BarChart(
            title: "Printing from a virtual machine: bytes per second", subtitles: host.lines,
            groups: groups.filter { !$0.bars.isEmpty }, note: "Longer is better.",
            axisLabel: { "\(ByteRate($0))" })
    }

    private static func bar(_ row: ConsoleRow) -> BarChart.Bar {
        BarChart.Bar(
            name: row.subject.name, value: row.bytesPerSecond.median, low: row.bytesPerSecond.min,
            high: row.bytesPerSecond.max, label: "\(ByteRate(row.bytesPerSecond.median))")
    }
}

/// What the figures show, in sentences that are made from them.
struct ConsoleFindings {
    let sentences: [String]

    init(_ rows: [ConsoleRow]) {
        let largest = { (technique: ConsoleTechnique) in
            rows.filter { $0.subject.technique == technique }.max { $0.subject.buffer < $1.subject.buffer }
        }
        sentences = [
            Self.virtio(largest(.virtio), rows.filter { $0.subject.technique == .virtio }),
            Self.doorbells(largest(.virtio), largest(.virtioExits)),
            Self.coalescing(largest(.blind), largest(.blindCoalesced)),
        ].compactMap(\.self)
    }

    private static func virtio(_ virtio: ConsoleRow?, _ all: [ConsoleRow]) -> String? {
        guard let virtio, let blind = virtio.ratioToBlind, let plain = virtio.ratioToPlain else { return nil }
        let others = all.filter { $0.subject != virtio.subject }.compactMap { row in
            row.ratioToPlain.map { "; with \(row.subject.bufferName) \(ShortNumber($0 * 100)) %" }
        }
        return
            "With buffers of \(virtio.subject.bufferName) virtio moves \(comparison(blind, of: "the bytes per second of a UART whose every byte is an exit"))"
            + ", and \(ShortNumber(plain * 100)) % of what a process without a virtual machine writes with the same\(others.joined())."
    }

    private static func doorbells(_ event: ConsoleRow?, _ exits: ConsoleRow?) -> String? {
        guard let event, let exits else { return nil }
        let ratios = zip(event.rounds, exits.rounds).map { $0.bytesPerSecond / $1.bytesPerSecond }
        guard let ratio = Spread(ratios) else { return nil }
        let perDoorbell = Spread(
            exits.rounds.compactMap { round in
                guard let doorbells = round.exits?.doorbells, doorbells > 0 else { return nil }
                return Double(round.byteCount) / Double(exits.subject.buffer) / Double(doorbells)
            })
        let reason = perDoorbell.map { ": one doorbell stands for \(ShortNumber($0.median)) buffers" } ?? ""
        // Some rounds say this, and some that.
        if ratio.min < 1, ratio.max > 1 {
            return "Whether its doorbells are exits makes no difference that these rounds show\(reason)."
        }
        return "Doorbells without exits (ioeventfd) give it "
            + "\(comparison(ratio.median, of: "the speed of doorbells by exits"))\(reason)."
    }

    private static func coalescing(_ blind: ConsoleRow?, _ coalesced: ConsoleRow?) -> String? {
        guard let blind, let ratio = coalesced?.ratioToBlind else { return nil }
        return "A byte to the UART takes \(ShortNumber(blind.nanosecondsPerByte / 1000)) µs as an exit; "
            + "waiting in the kernel's ring gives it \(comparison(ratio, of: "the speed"))."
    }

    private static func comparison(_ ratio: Double, of what: String) -> String { "\(ShortNumber(ratio)) times \(what)" }
}
