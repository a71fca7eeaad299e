/// What was measured of one subject, or why nothing was.
struct ComputeRow: Encodable {
    private enum CodingKeys: String, CodingKey {
        case work, place, name, nanosecondsPerOperation, timeOfProcess, refusal, rounds
    }

    let subject: ComputeSubject
    let rounds: [ComputeRound]
    let nanosecondsPerOperation: Spread?
    /// How many times the time of a process of the host in the same round.
    let ratioToProcess: Spread?
    /// Why it could not be measured.
    let refusal: String?

    /// - Parameter process: what the process of the host took for the same work, by round.
    init(_ subject: ComputeSubject, rounds: [ComputeRound], process: [ComputeRound]) {
        self.subject = subject
        self.rounds = rounds
        nanosecondsPerOperation = Spread(rounds.map(\.nanosecondsPerOperation))
        ratioToProcess = Spread(zip(rounds, process).map { $0.nanosecondsPerOperation / $1.nanosecondsPerOperation })
        refusal = nil
    }

    init(_ subject: ComputeSubject, refusal: String) {
        self.subject = subject
        self.refusal = refusal
        (rounds, nanosecondsPerOperation, ratioToProcess) = ([], nil, nil)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(subject.work, forKey: .work)
        try container.encode(subject.place, forKey: .place)
        try container.encode(subject.name, forKey: .name)
        try container.encodeIfPresent(nanosecondsPerOperation, forKey: .nanosecondsPerOperation)
        try container.encodeIfPresent(ratioToProcess, forKey: .timeOfProcess)
        try container.encodeIfPresent(refusal, forKey: .refusal)
        try container.encode(rounds, forKey: .rounds)
    }
}
