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
