import FoundationEssentials
import LinuxHost

/// `compare memory`.
package struct MemoryMeasurement: Measurement {
    package static let name = "memory"

    private let work: IsolatedWork

    package init() throws(ComparisonError) {
        work = try IsolatedWork(named: Self.name)
    }

    package var files: [String] { work.files }

    /// How many pages the work touches; real mode reaches no more.
    static func pages(_ isolation: Isolation) -> Int { isolation == .realMode ? 64 : 2048 }

    private static func folderWithCopy() throws(ComparisonError) -> PrivateFolder {
        do {
            let folder = try PrivateFolder()
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: SwiftvmmCommand.path)
            try FileManager.default.copyItem(atPath: program, toPath: "\(folder.path)/\(SwiftvmmCommand.name)")
            return folder
        } catch {
            // A signal interrupts the copying as well.
            try StopSignals.check()
            throw .output(
                "cannot make a copy of swiftvmm to measure: \(error); make room, or name another place with TMPDIR")
        }
    }

    package func run(_ conditions: MeasurementConditions) throws(ComparisonError) -> ComparisonResult {
        // A copy shares no page with this process, nor with other machines that run here.
        let folder = try Self.folderWithCopy()
        defer { withExtendedLifetime(folder) {} }
        let runner = IsolationRunner(work, swiftvmm: "\(folder.path)/\(SwiftvmmCommand.name)", looksAtMemory: true) {
            Recurrence.line(Recurrence(steps: Self.pages($0)).sum)
        }
        let comparison = IsolationComparison(
            rounds: conditions.isQuick ? 3 : 5, timeLimit: conditions.isQuick ? 6 : 15, measure: runner.run)
        let rows = MemoryRow.rows(try comparison.run())
        let report = ComparisonReport(
            Self.name, conditions, rows: rows, findings: MemoryFindings(rows).sentences)
        return ComparisonResult(
            report, table: MemoryReport.table(rows), chart: MemoryReport.chart(rows, on: conditions.host),
            glances: [Glance("memory, without the work's", rows) { "\(ByteCount($0.isolationBytes.median))" }])
    }
}

/// How much memory one subject had while its work waited.
typealias MemoryRow = IsolationRow<MemoryFigures, ProportionalMemory>

extension MemoryRow {
    static func rows(_ results: [IsolationResult<IsolatedRun>]) -> [MemoryRow] { results.map { MemoryRow($0) } }

    init(_ result: IsolationResult<IsolatedRun>) {
        let rounds = result.rounds.compactMap(\.memory).filter { !$0.processes.isEmpty }
        let figures = MemoryFigures(rounds, workBytes: UInt64(MemoryMeasurement.pages(result.isolation)) << 12)
        self.init(
            isolation: result.isolation, figures: figures,
            refusal: figures == nil ? result.refusal?.reason ?? "its memory cannot be read in /proc" : nil,
            notIsolated: result.rounds.first?.notes ?? [], rounds: rounds)
    }
}

/// What all rounds of a subject say together, in bytes.
struct MemoryFigures: Encodable {
    /// The proportional set size of all its processes.
    let totalBytes: Spread
    /// What the work itself touched.
    let workBytes: UInt64
    /// The difference.
    let isolationBytes: Spread
    let anonymousBytes: Spread
    let fileBytes: Spread

    /// Nil where there are no rounds.
    init?(_ rounds: [ProportionalMemory], workBytes: UInt64) {
        func spread(_ bytes: (ProportionalMemory) -> UInt64) -> Spread? { Spread(rounds.map { Double(bytes($0)) }) }
        guard let total = spread(\.bytes), let anonymous = spread(\.anonymousBytes), let file = spread(\.fileBytes),
            let own = Spread(rounds.map { Double($0.bytes) - Double(workBytes) })
        else { return nil }
        (totalBytes, anonymousBytes, fileBytes, isolationBytes) = (total, anonymous, file, own)
        self.workBytes = workBytes
    }
}
