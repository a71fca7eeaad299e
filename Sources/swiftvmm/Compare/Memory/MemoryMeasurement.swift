import FoundationEssentials

/// `compare memory`.
struct MemoryMeasurement: Comparison {
    static let name = "memory"

    private let work: IsolatedWork

    init() throws(Failure) {
        work = try IsolatedWork(named: Self.name)
    }

    var files: [String] { work.files }

    /// How many pages the work touches; real mode reaches no more.
    static func pages(_ isolation: Isolation) -> Int { isolation == .realMode ? 64 : 2048 }

    private static func folderWithCopy() throws(Failure) -> PrivateFolder {
        do {
            let folder = try PrivateFolder()
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: ComparedProcess.this)
            try FileManager.default.copyItem(atPath: program, toPath: "\(folder.path)/\(RootCommand.name)")
            return folder
        } catch {
            // A signal interrupts the copying as well.
            try EndSignals.check()
            throw Failure(
                status: .outputFailed,
                message:
                    "cannot make a copy of swiftvmm to measure: \(error); make room, or name another place with TMPDIR")
        }
    }

    func run(on host: ComparedHost, isQuick: Bool) throws -> ComparisonResult {
        // A copy shares no page with this process, nor with other machines that run here.
        let folder = try Self.folderWithCopy()
        defer { withExtendedLifetime(folder) {} }
        let runner = IsolationRunner(work, swiftvmm: "\(folder.path)/\(RootCommand.name)", looksAtMemory: true) {
            Recurrence.line(Recurrence(steps: Self.pages($0)).sum)
        }
        let comparison = IsolationComparison(
            rounds: isQuick ? 3 : 5, timeLimit: isQuick ? 6 : 15, measure: runner.run)
        let rows = MemoryRow.rows(try comparison.run())
        let report = ComparisonReport(
            comparison: Self.name, host: host, isQuick: isQuick, rows: rows, findings: MemoryFindings(rows).sentences)
        return ComparisonResult(
            report: report, chart: MemoryChart(report).svg, text: MemoryTable(report).text,
            glances: [Glance("memory, without the work's", rows) { "\(ByteCount($0.isolationBytes.median))" }])
    }
}
