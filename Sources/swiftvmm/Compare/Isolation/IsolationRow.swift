/// What was measured of one subject.
struct IsolationRow<Figures: Encodable, Round: Encodable>: Encodable {
    private enum CodingKeys: String, CodingKey {
        case subject, name, kind, figures, refusal, notIsolated, rounds
    }

    let isolation: Isolation
    let figures: Figures?
    /// Why there are no figures.
    let refusal: String?
    let notIsolated: [String]
    let rounds: [Round]

    /// In sentences, what could not be isolated.
    var notes: [String] { notIsolated.map { "The \(isolation.name) was not isolated: \($0)." } }

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
