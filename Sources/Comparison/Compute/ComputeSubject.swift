/// One row of the comparison: a work, and where it is done.
struct ComputeSubject: Hashable {
    static let all = ComputeWork.allCases.flatMap { work in
        ComputePlace.allCases.map { ComputeSubject(work: work, place: $0) }
    }

    let work: ComputeWork
    let place: ComputePlace

    var name: String { "\(work.name), \(place.name)" }
}

/// What is computed: three kinds of work that need nobody's help.
enum ComputeWork: String, CaseIterable, Encodable {
    case integer, memory, branches

    /// What it is, in words.
    var name: String {
        switch self {
        case .integer: "integer arithmetic"
        case .memory: "4 MiB of memory at random"
        case .branches: "unforeseeable branches"
        }
    }
}

/// Where work is done.
enum ComputePlace: String, CaseIterable, Encodable {
    case process
    case container
    case ring3 = "guest-ring-3"
    case ring0 = "guest-ring-0"

    var name: String {
        switch self {
        case .process: "host process"
        case .container: "container"
        case .ring3: "guest, ring 3"
        case .ring0: "guest, ring 0"
        }
    }
}

/// One run of one subject, whose answer is right.
struct ComputeRound: Encodable, Equatable {
    /// Each is so many operations as the guest's `work.h` says.
    static let operationsPerStep = 65_536.0

    let steps: UInt64
    /// From the beginning's arrival to the answer's, in seconds.
    let seconds: Double
    /// Whether the beginning was not seen, because the answer was there too when this process looked: then the time counts from
    /// just before the start of the subject's process, and is above what the work took.
    var isFromStart = false
    /// Processor time of the subject's processes, start and end too.
    let cpuSeconds: Double
    /// Of all that the work came by: 16 hexadecimal digits.
    let checksum: String
    /// What could not be isolated.
    var notes: [String] = []

    var nanosecondsPerOperation: Double { seconds * 1e9 / (Double(steps) * Self.operationsPerStep) }
}

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
