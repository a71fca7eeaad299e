import Glibc
import LinuxHost

/// Runs subjects, one at a time, and lets only those pass that printed what they should.
struct IsolationRunner {
    private let launcher: IsolationLauncher
    private let expected: (Isolation) -> String
    /// Whether the work waits for input, and its memory is looked at then.
    private let looksAtMemory: Bool
    /// What a shell that became this program has left.
    private let otherChildren = ProportionalMemory.children()

    /// - Parameters:
    ///   - swiftvmm: the path of this program.
    ///   - expected: what the work prints.
    init(
        _ work: IsolatedWork, swiftvmm: String = SwiftvmmCommand.path, looksAtMemory: Bool = false,
        expected: @escaping (Isolation) -> String
    ) {
        launcher = IsolationLauncher(work, swiftvmm: swiftvmm, hasInput: looksAtMemory)
        self.looksAtMemory = looksAtMemory
        self.expected = expected
    }

    func run(_ isolation: Isolation) throws(ComparisonError) -> IsolationOutcome<IsolatedRun> {
        let launch: IsolationLaunch
        do throws(Refusal) {
            launch = try launcher.launch(isolation)
        } catch {
            // A signal interrupts what an engine needs, too.
            try StopSignals.check()
            return .refused(error)
        }
        try OrphanAdoption.begin()
        defer { OrphanAdoption.reap(but: otherChildren) }
        do throws(ComparisonError) {
            let outcome = try run(isolation, launch)
            if case .refused = outcome { cleanUp(launch) }
            return outcome
        } catch {
            cleanUp(launch)
            throw error
        }
    }

    private func run(
        _ isolation: Isolation, _ launch: IsolationLaunch
    ) throws(ComparisonError) -> IsolationOutcome<IsolatedRun> {
        let start = ContinuousClock.now
        let process = try ComparedProcess(
            program: launch.program, words: launch.words, hasInput: looksAtMemory, endSignal: launch.endSignal)
        let expected = expected(isolation)
        var reader = WorkReader(start: start, byteCount: expected.utf8.count)
        let others = otherChildren
        let memory = try reader.read(
            process, memory: looksAtMemory ? { ProportionalMemory.ofDescendants(but: others) } : nil)
        guard !reader.isLate, let end = try process.wait(until: reader.end) else {
            return try refuse(
                isolation, "it did not end within \(ShortNumber(ComparedProcess.patience)) s", isSetUp: false)
        }
        let gone = reader.secondsSinceStart
        let errors = String(decoding: try process.errors.readWhatIsThere(), as: UTF8.self)
        try StopSignals.check()
        guard end.status == 0 else {
            return try refuse(
                isolation, LastWords(errors, status: end.status).text, status: end.status,
                isSetUp: [SwiftvmmCommand.noKVM, SwiftvmmCommand.fault].contains(end.status))
        }
        guard reader.text == expected else {
            throw .fault(
                "\(isolation.name): it printed \"\(reader.shownText)\", not \"\(expected.dropLast())\"")
        }
        return .measured(
            IsolatedRun(
                firstByte: reader.firstByte, workDone: reader.lastByte, gone: gone, memory: memory,
                notes: Container.notes(in: errors)))
    }

    /// - Parameter isSetUp: whether what failed is what this project's own programs say when they cannot isolate.
    private func refuse(
        _ isolation: Isolation, _ reason: String, status: Int32 = SwiftvmmCommand.fault, isSetUp: Bool
    ) throws(ComparisonError) -> IsolationOutcome<IsolatedRun> {
        guard isolation.mayBeRefused, isSetUp || isolation.isForeign else {
            throw ComparisonError(status: status, "\(isolation.name) failed: \(reason)")
        }
        return .refused(Refusal(reason: reason))
    }

    /// What an engine that was killed leaves behind; where nothing is left, that is an error that nobody needs.
    private func cleanUp(_ launch: IsolationLaunch) {
        // It has as long as any child has to end, also after a signal.
        if let words = launch.cleanUp { _ = try? ComparedProcess(program: words[0], words: words, endSignal: 0) }
    }
}

/// One run of one subject that did what it should. Times are in seconds, from just before its process was started.
struct IsolatedRun {
    /// Until its first byte arrived.
    let firstByte: Double
    /// Until its last byte arrived, with which the work is done.
    let workDone: Double
    /// Until its process was gone, and waited for.
    let gone: Double
    /// Of all its processes, while it waited for input; nil where it does not.
    let memory: ProportionalMemory?
    /// What could not be isolated.
    let notes: [String]
}

/// How a subject is started.
struct IsolationLaunch {
    /// The path of what is executed.
    let program: String
    /// All its words, the first of which is its name.
    let words: [String]
    /// What it gets two seconds before it is killed; 0 is that time alone, and nil none of it.
    var endSignal: Int32?
    /// What removes the container once its engine was killed; the first word is a path.
    var cleanUp: [String]?
}

/// Knows how each subject is started with one work.
final class IsolationLauncher {
    private let work: IsolatedWork
    /// Where swiftvmm is.
    private let swiftvmm: String
    private let hasInput: Bool
    private var engines: [Isolation: Result<ContainerEngine, Refusal>] = [:]

    /// - Parameters:
    ///   - swiftvmm: the path of this program.
    ///   - hasInput: whether the work waits for input.
    init(_ work: IsolatedWork, swiftvmm: String, hasInput: Bool) {
        self.work = work
        self.swiftvmm = swiftvmm
        self.hasInput = hasInput
    }

    func launch(_ isolation: Isolation) throws(Refusal) -> IsolationLaunch {
        switch isolation {
        case .process: IsolationLaunch(program: work.process, words: [work.process])
        case .container:
            launch(SwiftvmmCommand.compare, SwiftvmmCommand.contain, work.process, endSignal: SIGTERM)
        case .runc, .podman: try engine(isolation).launch(hasInput: hasInput)
        case .realMode: launch(SwiftvmmCommand.run, work.realMode)
        case .longMode: launch(SwiftvmmCommand.run, work.longMode)
        case .interrupts: launch(SwiftvmmCommand.run, work.longMode, "--irqchip", "full")
        }
    }

    private func engine(_ isolation: Isolation) throws(Refusal) -> ContainerEngine {
        let result =
            engines[isolation]
            ?? Result { () throws(Refusal) in try ContainerEngine(isolation, program: work.process) }
        engines[isolation] = result
        return try result.get()
    }

    private func launch(_ words: String..., endSignal: Int32? = nil) -> IsolationLaunch {
        IsolationLaunch(program: swiftvmm, words: [SwiftvmmCommand.name] + words, endSignal: endSignal)
    }
}
