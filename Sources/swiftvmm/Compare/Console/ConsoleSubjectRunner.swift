import FoundationEssentials

/// Runs subjects, one at a time, and lets only those pass whose every byte arrived.
struct ConsoleSubjectRunner {
    let guest: String
    /// Seconds after which a guest is taken to hang.
    let timeLimit: Int

    func measure(_ subject: ConsoleSubject, byteCount: UInt64) throws(Failure) -> ConsoleRound {
        let start = ContinuousClock.now
        let reportPipe = try Pipe()
        let words = subject.arguments(
            bytes: byteCount, guest: guest, report: reportPipe.childPath, timeLimit: timeLimit)
        let process = try ComparedProcess(
            program: ComparedProcess.this, words: [RootCommand.name] + words, report: reportPipe)
        var reader = StreamReader()
        guard try reader.read(process.output, upTo: byteCount) else {
            // The process is killed when it is given up.
            let outcome = SubjectOutcome(
                subject: subject, byteCount: byteCount, status: 0, errors: "", check: reader.check)
            try outcome.verify()
            throw Failure(status: .fault, message: "\(subject.name): its output was not read to the end")
        }
        // Where a guest is asked for, its report comes after all output and fits into the pipe.
        let report = try reportPipe.readToEnd()
        let errors = String(decoding: try process.errors.readToEnd(), as: UTF8.self)
        let end = try process.wait()
        try EndSignals.check()
        let whole = (ContinuousClock.now - start) / .seconds(1)
        let outcome = SubjectOutcome(
            subject: subject, byteCount: byteCount, status: end.status, errors: errors, check: reader.check)
        try outcome.verify()
        let figures =
            subject.technique.guestWord == nil ? nil : try? JSONDecoder().decode(RunFigures.self, from: Data(report))
        if subject.technique.guestWord != nil, figures?.run == nil {
            throw Failure(status: .fault, message: "\(subject.name): the run left no report")
        }
        // A stream that came in one piece has no time of its own.
        let isTimed = reader.timedByteCount > 0 && reader.seconds > 0
        return ConsoleRound(
            byteCount: byteCount, streamSeconds: isTimed ? reader.seconds : whole,
            timedByteCount: isTimed ? reader.timedByteCount : byteCount, wholeSeconds: whole,
            cpuSeconds: end.cpuSeconds,
            exits: figures?.run.map { ConsoleRound.Exits($0) })
    }
}
