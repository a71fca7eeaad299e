/// The comparison as a table and as a picture.
enum MemoryReport {
    static func table(_ rows: [MemoryRow]) -> ColumnTable {
        var table = ColumnTable([
            ("subject", .left), ("isolation", .right), ("from–to KiB", .right), ("work", .right), ("total", .right),
            ("anonymous", .right), ("of files", .right), ("processes", .left),
        ])
        for row in rows {
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
        return table
    }

    static func chart(_ rows: [MemoryRow], on host: ComparedHost) -> BarChart {
        let groups = Isolation.Kind.allCases.map { kind in
            let rows = rows.filter { $0.isolation.kind == kind }
            return BarChart.Group(name: kind.name, colour: kind.colour, bars: rows.map(Self.bar))
        }
        return BarChart(
            title: "What isolation takes of memory: proportional set size without the work's",
            subtitles: host.lines, groups: groups, note: "Shorter is better.",
            axisLabel: { "\(ShortNumber($0)) KiB" })
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

/// What the figures show, in sentences that are made from them.
struct MemoryFindings {
    let sentences: [String]

    init(_ rows: [MemoryRow]) {
        let own = { (isolation: Isolation) in rows.first { $0.isolation == isolation }?.figures?.isolationBytes.median }
        sentences =
            [
                Self.machine(own(.longMode), own(.process), own(.container)),
                Self.another(rows.first { $0.isolation == .longMode }?.figures),
                Self.engines(own(.podman), own(.longMode)),
            ].compactMap(\.self)
            + rows.flatMap(\.notes) + [
                "Memory of the kernel is in none of this: page tables, namespaces and control groups, KVM's own structures."
            ]
    }

    private static func machine(_ machine: Double?, _ process: Double?, _ container: Double?) -> String? {
        guard let machine, let process else { return nil }
        let other = container.map { "; a container, with the helper that waits for it, \(ByteCount($0))" } ?? ""
        return "Beside what its work touches, a virtual machine in long mode takes \(ByteCount(machine)) of memory"
            + "; a host process \(ByteCount(process))\(other)."
    }

    private static func another(_ machine: MemoryFigures?) -> String? {
        guard let machine else { return nil }
        let own = machine.anonymousBytes.median - Double(machine.workBytes)
        return "Most of it is swiftvmm's code, which further machines share: one more takes \(ByteCount(own))."
    }

    private static func engines(_ podman: Double?, _ machine: Double?) -> String? {
        guard let podman, let machine, machine > 0 else { return nil }
        return "With what an engine (podman) keeps running for it, a container takes \(ByteCount(podman))"
            + ", \(ShortNumber(podman / machine)) times what the machine takes."
    }
}
