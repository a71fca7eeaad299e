/// Measures all subjects in turn: round 1 of all, then round 2 of all, and so on, after a look at each that warms up the machine. Every
/// second round goes backwards: none always runs in the wake of the same other, for which the kernel may still be cleaning up.
struct IsolationComparison<Round> {
    /// Fewer say nothing of their spread.
    private static var fewestRounds: Int { 3 }

    let rounds: Int
    /// Of the whole, in seconds; rounds that would not end in it are left out.
    let timeLimit: Double
    let measure: (Isolation) throws(ComparisonError) -> IsolationOutcome<Round>
    private let progress = ProgressLine()

    init(
        rounds: Int, timeLimit: Double,
        measure: @escaping (Isolation) throws(ComparisonError) -> IsolationOutcome<Round>
    ) {
        self.rounds = rounds
        self.timeLimit = timeLimit
        self.measure = measure
    }

    func run() throws(ComparisonError) -> [IsolationResult<Round>] {
        defer { progress.clear() }
        var results = Isolation.allCases.map { IsolationResult<Round>(isolation: $0) }
        let start = ContinuousClock.now
        var longest = 0.0
        for round in 0...max(rounds, 1) {
            let before = (ContinuousClock.now - start) / .seconds(1)
            guard round <= Self.fewestRounds || before + longest < timeLimit else { break }
            let order = round % 2 == 0 ? Array(results.indices) : results.indices.reversed()
            for index in order where results[index].refusal == nil {
                progress.show(
                    round == 0
                        ? "a look at each: \(results[index].isolation.name)"
                        : "round \(round) of \(rounds): \(results[index].isolation.name)")
                try measure(&results[index], counts: round > 0)
            }
            longest = max(longest, (ContinuousClock.now - start) / .seconds(1) - before)
        }
        return results
    }

    /// One that is refused once is not tried again, and has no figures.
    private func measure(_ result: inout IsolationResult<Round>, counts: Bool) throws(ComparisonError) {
        switch try measure(result.isolation) {
        case .measured(let round):
            if counts { result.rounds.append(round) }
        case .refused(let refusal):
            result.refusal = refusal
            result.rounds = []
        }
    }
}

/// What was measured of one subject: its rounds, or why there are none.
struct IsolationResult<Round> {
    let isolation: Isolation
    var rounds: [Round] = []
    var refusal: Refusal?
}

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
