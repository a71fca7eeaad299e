import FoundationEssentials
import LinuxHost

/// Runs subjects, one at a time, and lets only those pass whose every byte arrived.
struct ConsoleSubjectRunner {
    /// The path of this program.
    var swiftvmm = SwiftvmmCommand.path
    let guest: String
    /// What a guest that hangs may take, in seconds.
    var timeLimit = ComparedProcess.patience
    /// The same of swiftvmm itself, which has better words for a guest, and so comes first.
    var patience = ComparedProcess.patience * 2

    func measure(_ subject: ConsoleSubject, byteCount: UInt64) throws(ComparisonError) -> ConsoleRound {
        let start = ContinuousClock.now
        let reportPipe = try Pipe()
        let words = subject.arguments(
            bytes: byteCount, guest: guest, report: reportPipe.childPath, timeLimit: timeLimit)
        let process = try ComparedProcess(
            program: swiftvmm, words: [SwiftvmmCommand.name] + words, report: reportPipe)
        try process.watch(for: patience)
        var reader = StreamReader()
        guard try reader.read(process.output, upTo: byteCount) else {
            // The process is killed when it is given up.
            let outcome = SubjectOutcome(
                subject: subject, byteCount: byteCount, status: 0, errors: "", check: reader.check)
            try outcome.verify()
            throw .fault("\(subject.name): its output was not read to the end")
        }
        // Where a guest is asked for, its report comes after all output and fits into the pipe.
        let report = try reportPipe.readToEnd()
        let errors = String(decoding: try process.errors.readToEnd(), as: UTF8.self)
        guard let end = try process.wait(until: start + .seconds(patience)), !process.wasKilledByWatchdog else {
            throw .fault("\(subject.name): it did not end within \(ShortNumber(patience)) s")
        }
        try StopSignals.check()
        let whole = (ContinuousClock.now - start) / .seconds(1)
        let outcome = SubjectOutcome(
            subject: subject, byteCount: byteCount, status: end.status, errors: errors, check: reader.check)
        try outcome.verify()
        let figures =
            subject.technique.guestWord == nil ? nil : try? JSONDecoder().decode(RunFigures.self, from: Data(report))
        if subject.technique.guestWord != nil, figures?.run == nil {
            throw .fault("\(subject.name): the run left no report")
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

/// Reads a child's output, and takes the time. It is the same for every subject.
struct StreamReader {
    private static let bufferSize = 256 << 10
    /// For the rest of a complaint that was printed instead, in milliseconds.
    private static let patience: Int32 = 10_000

    /// What arrived.
    private(set) var check = PayloadCheck(reach: Self.bufferSize)
    /// From the first bytes' arrival to the last ones', in seconds.
    private(set) var seconds = 0.0
    /// How many bytes arrived in that time: all but the first ones.
    private(set) var timedByteCount: UInt64 = 0

    init() {}

    /// - Parameter limit: how many bytes there should be; one more, or one that is wrong, is the last that counts.
    /// - Returns: whether the stream was read to its end.
    mutating func read(_ pipe: Pipe, upTo limit: UInt64) throws(ComparisonError) -> Bool {
        var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
        try pipe.waitForBytes()
        var first: (time: ContinuousClock.Instant, byteCount: UInt64)?
        while true {
            let count = try pipe.read(into: &buffer)
            guard count > 0 else { return true }
            let now = ContinuousClock.now
            check.add(buffer.span.extracting(first: count))
            let start = first ?? (now, check.byteCount)
            first = start
            seconds = (now - start.time) / .seconds(1)
            timedByteCount = check.byteCount - start.byteCount
            if check.fault != nil || check.byteCount > limit { break }
        }
        while let fault = check.fault, !fault.isWhole, try pipe.hasBytes(within: Self.patience) {
            let count = try pipe.read(into: &buffer)
            guard count > 0 else { break }
            check.add(buffer.span.extracting(first: count))
        }
        return false
    }
}

/// What came of a subject's run, to be judged.
struct SubjectOutcome {
    let subject: ConsoleSubject
    /// How many bytes were asked for.
    let byteCount: UInt64
    let status: Int32
    /// What the process said on standard error.
    let errors: String
    let check: PayloadCheck

    /// - Throws: in words, what is wrong with it.
    func verify() throws(ComparisonError) {
        // Where no machine can be had here, or not with this guest, that is the reason.
        if [SwiftvmmCommand.noKVM, SwiftvmmCommand.badImage].contains(status) {
            throw ComparisonError(status: status, "\(subject.name) failed: \(lastWords)")
        }
        if let fault = check.fault, fault.position < byteCount {
            throw .fault(
                "\(subject.name): byte \(fault.position) of its output is \(hex(fault.found.first ?? 0)), not \(hex(fault.expected))\(strayText)"
            )
        }
        guard check.byteCount <= byteCount else {
            throw .fault("\(subject.name): its output has more than \(byteCount) bytes")
        }
        guard status == 0 else {
            throw .fault("\(subject.name) failed: \(lastWords)")
        }
        guard check.byteCount == byteCount else {
            throw .fault(
                "\(subject.name): \(check.byteCount) bytes of its output arrived, not \(byteCount)")
        }
    }

    private var lastWords: String { LastWords(errors, status: status).text }

    /// What was printed instead of the payload, where it is text: a guest's complaint.
    private var strayText: String {
        let found = Array(check.fault?.found ?? []).prefix { $0 != 0x0A }
        guard found.count > 1, found.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return "" }
        return "; it printed \"\(String(decoding: found, as: UTF8.self))\""
    }

    private func hex(_ byte: UInt8) -> String { "0x" + String(byte, radix: 16) }
}

/// What `compare` takes from a report of `swiftvmm run`.
struct RunFigures: Decodable {
    struct Stop: Decodable {
        let reason: String
        let status: Int32
        let message: String
    }

    struct Percentiles: Decodable {
        let count: UInt64
        let p50: UInt64
        let p99: UInt64
        let max: UInt64
    }

    struct Run: Decodable {
        let exitCount: UInt64
        let exitsByKind: [String: UInt64]
        let coalescedWrites: UInt64
        let doorbellExits: UInt64?
        let latencies: [String: Percentiles]
    }

    let stop: Stop
    /// Nil where no machine could be made.
    let run: Run?
}

extension ConsoleRound.Exits {
    init(_ run: RunFigures.Run) {
        let main = run.latencies.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }
        self.init(
            count: run.exitCount, byKind: run.exitsByKind, coalescedWrites: run.coalescedWrites,
            doorbells: run.doorbellExits,
            mainKind: main?.key,
            p50: main?.value.p50, p99: main?.value.p99, max: main?.value.max)
    }
}
