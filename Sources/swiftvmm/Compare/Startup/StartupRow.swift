/// How long one subject took.
typealias StartupRow = IsolationRow<StartupFigures, StartupRound>

extension StartupRow {
    static func rows(_ results: [IsolationResult<IsolatedRun>]) -> [StartupRow] {
        let base = results.first { $0.isolation == .process }?.rounds ?? []
        return results.map { StartupRow($0, base: base) }
    }

    private init(_ result: IsolationResult<IsolatedRun>, base: [IsolatedRun]) {
        self.init(
            isolation: result.isolation, figures: StartupFigures(result.rounds, base: base),
            refusal: result.refusal?.reason, notIsolated: result.rounds.first?.notes ?? [],
            rounds: result.rounds.map {
                StartupRound(firstByteSeconds: $0.firstByte, workDoneSeconds: $0.workDone, goneSeconds: $0.gone)
            })
    }
}
