/// Measures all places in turn with the same work: round 1 of all, then round 2 of all, and so on.
struct ComputeComparison {
    /// Fewer say nothing of their spread.
    private static let fewestRounds = 3
    /// A few milliseconds' work.
    static let fewestSteps: UInt64 = 16
    private static let mostTries = 5

    let plan: ComputePlan
    /// Runs a subject with so many steps.
    let measure: (ComputeSubject, UInt64) throws(ComparisonError) -> IsolationOutcome<ComputeRound>
    /// Where nothing is measured, and why not.
    private var refusals: [ComputePlace: Refusal]
    private let progress = ProgressLine()

    init(
        plan: ComputePlan, refusals: [ComputePlace: Refusal],
        measure: @escaping (ComputeSubject, UInt64) throws(ComparisonError) -> IsolationOutcome<ComputeRound>
    ) {
        self.plan = plan
        self.refusals = refusals
        self.measure = measure
    }

    mutating func run() throws(ComparisonError) -> [ComputeRow] {
        defer { progress.clear() }
        let start = ContinuousClock.now
        var steps: [ComputeWork: UInt64] = [:]
        for work in ComputeWork.allCases {
            progress.show("looking how fast this host is: \(work.name)")
            steps[work] = try stepCount(of: work)
        }
        var rounds: [ComputeSubject: [ComputeRound]] = [:]
        for round in 1...plan.rounds {
            let used = (ContinuousClock.now - start) / .seconds(1)
            guard round <= Self.fewestRounds || used + used / Double(round) < plan.timeLimit else { break }
            // Every second round goes backwards: nobody always comes after the same one.
            let order = round % 2 == 1 ? ComputeSubject.all : ComputeSubject.all.reversed()
            for subject in order where refusals[subject.place] == nil {
                progress.show("round \(round) of \(plan.rounds): \(subject.name)")
                let reference = rounds[ComputeSubject(work: subject.work, place: .process)]?.first
                guard let new = try measureRound(subject, steps[subject.work] ?? 1, like: reference) else { continue }
                rounds[subject, default: []].append(new)
            }
        }
        return ComputeSubject.all.map { row($0, rounds) }
    }

    /// - Returns: nil where the machine refuses it.
    private mutating func measureRound(
        _ subject: ComputeSubject, _ steps: UInt64, like reference: ComputeRound?
    ) throws(ComparisonError) -> ComputeRound? {
        switch try measureTimed(subject, steps) {
        case .refused(let refusal):
            refusals[subject.place] = refusal
            return nil
        case .measured(let round):
            let wanted = reference?.checksum ?? round.checksum
            guard round.checksum == wanted else {
                throw .fault("\(subject.name): its answer is \(round.checksum), not \(wanted)")
            }
            return round
        }
    }

    /// Tries again while the machine is too busy to let this process see the work begin. Where it stays so, the fastest try counts.
    private func measureTimed(
        _ subject: ComputeSubject, _ steps: UInt64
    ) throws(ComparisonError) -> IsolationOutcome<ComputeRound> {
        var outcome = try measure(subject, steps)
        for _ in 1..<Self.mostTries {
            guard case .measured(let round) = outcome, round.isFromStart else { break }
            let next = try measure(subject, steps)
            if case .measured(let other) = next, other.isFromStart, other.seconds >= round.seconds { continue }
            outcome = next
        }
        return outcome
    }

    /// How many steps take the time that is wanted, on the host: by looks that become longer until they tell. It goes by processor
    /// time, which a busy machine does not make longer.
    private func stepCount(of work: ComputeWork) throws(ComparisonError) -> UInt64 {
        let subject = ComputeSubject(work: work, place: .process)
        var steps = Self.fewestSteps
        while true {
            guard case .measured(let look) = try measure(subject, steps) else { return steps }
            guard let next = plan.nextLook(after: look) else { return plan.steps(after: look) }
            steps = next
        }
    }

    private func row(_ subject: ComputeSubject, _ rounds: [ComputeSubject: [ComputeRound]]) -> ComputeRow {
        if let refusal = refusals[subject.place] { return ComputeRow(subject, refusal: refusal.reason) }
        return ComputeRow(
            subject, rounds: rounds[subject] ?? [],
            process: rounds[ComputeSubject(work: subject.work, place: .process)] ?? [])
    }
}

/// How much work is measured, and how often.
struct ComputePlan {
    let rounds: Int
    /// Of the whole, in seconds; rounds that would not end in it are left out.
    let timeLimit: Double
    /// Of one run on the host, in seconds.
    let workTime: Double

    static let full = ComputePlan(rounds: 21, timeLimit: 50, workTime: 0.13)
    static let quick = ComputePlan(rounds: 5, timeLimit: 10, workTime: 0.1)

    /// What the guest takes at most.
    private static let mostSteps: UInt64 = 1 << 32

    /// - Parameter look: a run on the host before.
    /// - Returns: nil when that was long enough to tell how many steps are wanted.
    func nextLook(after look: ComputeRound) -> UInt64? {
        guard look.cpuSeconds < workTime / 4, look.steps < Self.mostSteps else { return nil }
        return Self.limit(Double(look.steps) * min(64, max(2, workTime / 2 / max(look.cpuSeconds, 1e-6))))
    }

    /// How many steps every run of a work does.
    func steps(after look: ComputeRound) -> UInt64 {
        Self.limit(Double(look.steps) * workTime / max(look.cpuSeconds, 1e-6))
    }

    private static func limit(_ steps: Double) -> UInt64 {
        UInt64(min(max(steps, Double(ComputeComparison.fewestSteps)), Double(mostSteps)))
    }
}
