/// How much memory one subject had while its work waited.
struct MemoryRow: Encodable {
    /// In bytes.
    struct Figures: Encodable {
        /// The proportional set size of all its processes.
        let totalBytes: Spread
        /// What the work itself touched.
        let workBytes: UInt64
        /// The difference.
        let isolationBytes: Spread
        let anonymousBytes: Spread
        let fileBytes: Spread
    }

    private enum CodingKeys: String, CodingKey {
        case subject, name, kind, figures, refusal, notIsolated, processes, rounds
    }

    let isolation: Isolation
    let figures: Figures?
    /// Why there are no figures.
    let refusal: String?
    let notIsolated: [String]
    let rounds: [ProportionalMemory]

    static func rows(_ results: [IsolationResult<IsolatedRun>]) -> [MemoryRow] { results.map { MemoryRow($0) } }

    init(_ result: IsolationResult<IsolatedRun>) {
        isolation = result.isolation
        notIsolated = result.rounds.first?.notes ?? []
        rounds = result.rounds.compactMap(\.memory).filter { !$0.processes.isEmpty }
        let work = UInt64(MemoryMeasurement.pages(result.isolation)) << 12
        if let total = Self.spread(rounds.map(\.bytes)), let anonymous = Self.spread(rounds.map(\.anonymousBytes)),
            let file = Self.spread(rounds.map(\.fileBytes)),
            let own = Spread(rounds.map { Double($0.bytes) - Double(work) })
        {
            figures = Figures(
                totalBytes: total, workBytes: work, isolationBytes: own, anonymousBytes: anonymous, fileBytes: file)
            refusal = nil
        } else {
            figures = nil
            refusal = result.refusal?.reason ?? "its memory cannot be read in /proc"
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

    private static func spread(_ values: [UInt64]) -> Spread? { Spread(values.map { Double($0) }) }
}
