/// How long one subject took, from just before its process was started.
struct StartupRow: Encodable {
    struct Round: Encodable {
        let firstByteSeconds: Double
        let workDoneSeconds: Double
        let goneSeconds: Double
    }

    struct Figures: Encodable {
        /// Until the first byte of its output arrived.
        let firstByteSeconds: Spread
        /// Until the last byte arrived.
        let workDoneSeconds: Spread
        /// Until its process was gone, and waited for.
        let goneSeconds: Spread
        /// How many times what a host process took in the same round, until it was gone.
        let ratioToProcess: Spread
    }

    private enum CodingKeys: String, CodingKey {
        case subject, name, kind, figures, refusal, notIsolated, rounds
    }

    let isolation: Isolation
    let figures: Figures?
    /// Why there are no figures.
    let refusal: String?
    let notIsolated: [String]
    let rounds: [Round]

    static func rows(_ results: [IsolationResult<IsolatedRun>]) -> [StartupRow] {
        let base = results.first { $0.isolation == .process }?.rounds ?? []
        return results.map { StartupRow($0, base: base) }
    }

    init(_ result: IsolationResult<IsolatedRun>, base: [IsolatedRun]) {
        isolation = result.isolation
        refusal = result.refusal?.reason
        notIsolated = result.rounds.first?.notes ?? []
        rounds = result.rounds.map {
            Round(firstByteSeconds: $0.firstByte, workDoneSeconds: $0.workDone, goneSeconds: $0.gone)
        }
        if let first = Spread(rounds.map(\.firstByteSeconds)), let done = Spread(rounds.map(\.workDoneSeconds)),
            let gone = Spread(rounds.map(\.goneSeconds)),
            let ratio = Spread(zip(result.rounds, base).map { $0.gone / $1.gone })
        {
            figures = Figures(
                firstByteSeconds: first, workDoneSeconds: done, goneSeconds: gone, ratioToProcess: ratio)
        } else {
            figures = nil
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isolation, forKey: .subject)
        try container.encode(isolation.name, forKey: .name)
        try container.encode(isolation.kind, forKey: .kind)
        try container.encodeIfPresent(figures, forKey: .figures)
        try container.encodeIfPresent(refusal, forKey: .refusal)
        if !notIsolated.isEmpty { try container.encode(notIsolated, forKey: .notIsolated) }
        try container.encode(rounds, forKey: .rounds)
    }
}
