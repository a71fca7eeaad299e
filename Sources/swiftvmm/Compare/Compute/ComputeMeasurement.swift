/// `compare compute`.
struct ComputeMeasurement: Comparison {
    static let name = "compute"
    /// Ring 0 is interpreted where its instructions take so many times as long as ring 3's.
    private static let nativeRatio = 2.0

    private let process: GuestFile
    private let guest: GuestFile

    init() throws(Failure) {
        process = try GuestFile(named: "compute-process")
        guest = try GuestFile(named: "compute-bench.elf")
    }

    var files: [String] { [process.path, guest.path] }

    func run(on host: ComparedHost, isQuick: Bool) throws -> ComparisonResult {
        let plan = isQuick ? ComputePlan.quick : ComputePlan.full
        let runner = ComputeRunner(process: process.path, guest: guest.path, patience: plan.timeLimit)
        var comparison = ComputeComparison(plan: plan, refusals: Self.refusals(on: host), measure: runner.measure)
        let rows = try comparison.run()
        let report = ComparisonReport(
            comparison: Self.name, host: host, isQuick: isQuick, rows: rows, findings: ComputeFindings(rows).sentences)
        return ComparisonResult(report: report, chart: ComputeChart(report).svg, text: ComputeTable(report).text)
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
