import Glibc
import LinuxHost

/// Runs subjects, one at a time, and lets only those pass whose answer has the right form.
struct ComputeRunner {
    /// Sixteen digits and a line's end.
    private static let answerLength = 17

    /// The path of this program.
    var swiftvmm = SwiftvmmCommand.path
    /// The program for the host.
    let process: String
    let guest: String
    /// What a run that hangs may take, in seconds.
    var patience = ComparedProcess.patience

    func measure(_ subject: ComputeSubject, steps: UInt64) throws(ComparisonError) -> IsolationOutcome<ComputeRound> {
        let launch = launch(subject, steps: steps)
        let start = ContinuousClock.now
        let process = try ComparedProcess(program: launch.program, words: launch.words, endSignal: launch.endSignal)
        let begin = "begin \(subject.work.rawValue)\n"
        var reader = WorkReader(start: start, byteCount: begin.utf8.count + Self.answerLength, patience: patience)
        _ = try reader.read(process)
        guard !reader.isLate, let end = try process.wait(until: reader.end) else {
            throw .fault("\(subject.name): it did not end within \(ShortNumber(patience)) s")
        }
        let errors = String(decoding: try process.errors.readWhatIsThere(), as: UTF8.self)
        try StopSignals.check()
        guard end.status == 0 else {
            let reason = LastWords(errors, status: end.status).text
            if subject.place == .container, end.status == SwiftvmmCommand.fault {
                return .refused(Refusal(reason: reason))
            }
            throw ComparisonError(status: end.status, "\(subject.name): it failed: \(reason)")
        }
        guard let checksum = Self.checksum(in: reader.text, after: begin) else {
            throw .fault("\(subject.name): it printed \"\(reader.shownText)\", which is no answer")
        }
        // The first line comes before the work, at once, and the answer after it.
        let isFromStart = reader.lastByte == reader.firstByte
        return .measured(
            ComputeRound(
                steps: steps, seconds: reader.lastByte - (isFromStart ? 0 : reader.firstByte), isFromStart: isFromStart,
                cpuSeconds: end.cpuSeconds, checksum: checksum, notes: Container.notes(in: errors)))
    }

    /// Nil where anything else was printed.
    static func checksum(in text: String, after begin: String) -> String? {
        guard text.hasPrefix(begin), text.hasSuffix("\n"), text.utf8.count == begin.utf8.count + answerLength else {
            return nil
        }
        let digits = text.dropFirst(begin.count).dropLast()
        return digits.allSatisfy { "0123456789abcdef".contains($0) } ? String(digits) : nil
    }

    private func launch(_ subject: ComputeSubject, steps: UInt64) -> IsolationLaunch {
        let work = [process, subject.work.rawValue, "\(steps)"]
        switch subject.place {
        case .process: return IsolationLaunch(program: process, words: work)
        case .container:
            return IsolationLaunch(
                program: swiftvmm,
                words: [SwiftvmmCommand.name, SwiftvmmCommand.compare, SwiftvmmCommand.contain] + work,
                endSignal: SIGTERM)
        case .ring3, .ring0:
            let line = "work=\(subject.work.rawValue) steps=\(steps) ring=\(subject.place == .ring3 ? 3 : 0)"
            return IsolationLaunch(
                program: swiftvmm, words: [SwiftvmmCommand.name, SwiftvmmCommand.run, guest, "--cmdline", line])
        }
    }
}
