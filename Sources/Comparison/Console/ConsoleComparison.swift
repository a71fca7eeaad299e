/// Measures all subjects of a plan in turn: round 1 of all, then round 2 of all, and so on.
struct ConsoleComparison {
    let plan: ConsolePlan
    /// Runs a subject with so many bytes.
    let measure: (ConsoleSubject, UInt64) throws(ComparisonError) -> ConsoleRound
    private let progress = ProgressLine()

    init(plan: ConsolePlan, measure: @escaping (ConsoleSubject, UInt64) throws(ComparisonError) -> ConsoleRound) {
        self.plan = plan
        self.measure = measure
    }

    func run() throws(ComparisonError) -> [ConsoleRow] {
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
    private func look(at subject: ConsoleSubject) throws(ComparisonError) -> ConsoleRound {
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

/// What is measured, how often, and how long it may take.
struct ConsolePlan {
    let subjects: [ConsoleSubject]
    let rounds: Int
    /// Of the whole, in seconds.
    let timeLimit: Double
    /// Of one run's stream, in seconds, where the time limit allows it.
    let streamTime: Double

    static let full = ConsolePlan(bufferSizes: [64, 4096, 65_536], rounds: 7, timeLimit: 100, streamTime: 0.4)
    static let quick = ConsolePlan(bufferSizes: [65_536], rounds: 3, timeLimit: 15, streamTime: 0.2)

    init(bufferSizes: [Int], rounds: Int, timeLimit: Double, streamTime: Double) {
        subjects = ConsoleTechnique.allCases.flatMap { technique in
            (technique.hasBuffers ? bufferSizes : bufferSizes.suffix(1)).map {
                ConsoleSubject(technique: technique, buffer: $0)
            }
        }
        self.rounds = rounds
        self.timeLimit = timeLimit
        self.streamTime = streamTime
    }

    /// How many runs all rounds have.
    var runCount: Int { subjects.count * rounds }

    /// How many bytes the next run of a subject prints.
    ///
    /// - Parameters:
    ///   - last: what its run before took.
    ///   - timeLeft: seconds, for so many runs with this one.
    func byteCount(
        of subject: ConsoleSubject, after last: ConsoleRound, timeLeft: Double, runsLeft: Int
    ) -> UInt64 {
        let share = timeLeft / Double(max(1, runsLeft)) * 0.9 - last.overhead
        return Self.limit(Self.rate(of: last) * min(streamTime, share), of: subject)
    }

    /// - Returns: nil when the first look was long enough to tell how many bytes are wanted.
    func nextLook(at subject: ConsoleSubject, after look: ConsoleRound) -> UInt64? {
        guard look.streamSeconds < streamTime / 4 else { return nil }
        let growth = streamTime / 2 / max(look.streamSeconds, 1e-6)
        // Were the stream all that the run took time for, it would take no more than this.
        let most = Self.longestLook / max(look.wholeSeconds, 1e-6)
        return Self.limit(Double(look.byteCount) * min(64, max(2, growth), most), of: subject)
    }

    /// Of a look, in seconds.
    private static let longestLook = 5.0
    /// Output comes in pieces, at most 10 ms after it was made: a stream as short as this may have arrived at once.
    private static let shortestStream = 0.05

    /// Bytes per second, or fewer where that is not known.
    private static func rate(of round: ConsoleRound) -> Double {
        round.streamSeconds >= shortestStream
            ? round.bytesPerSecond : min(round.bytesPerSecond, Double(round.byteCount) / round.wholeSeconds)
    }

    /// Between what says something and what nobody waits for.
    private static func limit(_ byteCount: Double, of subject: ConsoleSubject) -> UInt64 {
        UInt64(min(max(byteCount, Double(subject.leastByteCount)), 0x4_0000_0000))
    }
}
