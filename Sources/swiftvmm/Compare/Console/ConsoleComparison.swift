/// Measures all subjects of a plan in turn: round 1 of all, then round 2 of all, and so on.
struct ConsoleComparison {
    let plan: ConsolePlan
    /// Runs a subject with so many bytes.
    let measure: (ConsoleSubject, UInt64) throws(Failure) -> ConsoleRound
    private let progress = ProgressLine()

    init(plan: ConsolePlan, measure: @escaping (ConsoleSubject, UInt64) throws(Failure) -> ConsoleRound) {
        self.plan = plan
        self.measure = measure
    }

    func run() throws(Failure) -> [ConsoleRow] {
        defer { progress.clear() }
        let start = ContinuousClock.now
        var last: [ConsoleRound] = []
        for (index, subject) in plan.subjects.enumerated() {
            progress.show("looking how fast each is, \(index + 1) of \(plan.subjects.count): \(subject.name)")
            last.append(try look(at: subject))
        }
        var rounds = plan.subjects.map { _ in [ConsoleRound]() }
        var runsLeft = plan.runCount
        for round in 1...plan.rounds {
            for (index, subject) in plan.subjects.enumerated() {
                let used = (ContinuousClock.now - start) / .seconds(1)
                let count = plan.byteCount(
                    of: subject, after: last[index], timeLeft: plan.timeLimit - used, runsLeft: runsLeft)
                let seconds = secondsLeft(last, from: index, rounds: plan.rounds - round)
                progress.show("round \(round) of \(plan.rounds): \(subject.name); \(Int(seconds.rounded(.up))) s left")
                last[index] = try measure(subject, count)
                rounds[index].append(last[index])
                runsLeft -= 1
            }
        }
        return Self.rows(plan.subjects, rounds)
    }

    /// Finds out how fast a subject is, which also warms up the machine: by a short run, and longer ones while they are too short to tell.
    private func look(at subject: ConsoleSubject) throws(Failure) -> ConsoleRound {
        var look = try measure(subject, subject.leastByteCount)
        for _ in 0..<2 {
            guard let next = plan.nextLook(at: subject, after: look) else { break }
            look = try measure(subject, next)
        }
        return look
    }

    /// By what each run is meant to take.
    private func secondsLeft(_ last: [ConsoleRound], from index: Int, rounds: Int) -> Double {
        let times = last.map { plan.streamTime + $0.overhead }
        return times[index...].reduce(0, +) + Double(rounds) * times.reduce(0, +)
    }

    /// Ratios are of the same round's runs, which were made at nearly the same time.
    static func rows(_ subjects: [ConsoleSubject], _ rounds: [[ConsoleRound]]) -> [ConsoleRow] {
        let rates = Dictionary(uniqueKeysWithValues: zip(subjects, rounds.map { $0.map(\.bytesPerSecond) }))
        let blind = rates.first { $0.key.technique == .blind }?.value
        return zip(subjects, rounds).compactMap { subject, rounds in
            let plain = rates[ConsoleSubject(technique: .plainProcess, buffer: subject.buffer)]
            return ConsoleRow(
                subject, rounds: rounds, blind: blind, plain: subject.technique.hasBuffers ? plain : nil)
        }
    }
}
