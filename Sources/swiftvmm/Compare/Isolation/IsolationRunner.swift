/// Runs subjects, one at a time, and lets only those pass that printed what they should.
struct IsolationRunner {
    /// What a run that hangs may take, in seconds.
    private static let patience = 10.0

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
        _ work: IsolatedWork, swiftvmm: String = ComparedProcess.this, looksAtMemory: Bool = false,
        expected: @escaping (Isolation) -> String
    ) {
        launcher = IsolationLauncher(work, swiftvmm: swiftvmm, hasInput: looksAtMemory)
        self.looksAtMemory = looksAtMemory
        self.expected = expected
    }

    func run(_ isolation: Isolation) throws(Failure) -> IsolationOutcome<IsolatedRun> {
        let launch: IsolationLaunch
        do throws(Refusal) {
            launch = try launcher.launch(isolation)
        } catch {
            // A signal interrupts what an engine needs, too.
            try EndSignals.check()
            return .refused(error)
        }
        try OrphanAdoption.begin()
        defer { OrphanAdoption.reap(but: otherChildren) }
        do throws(Failure) {
            let outcome = try run(isolation, launch)
            if case .refused = outcome { cleanUp(launch) }
            return outcome
        } catch {
            cleanUp(launch)
            throw error
        }
    }

    private func run(_ isolation: Isolation, _ launch: IsolationLaunch) throws(Failure) -> IsolationOutcome<IsolatedRun>
    {
        let start = ContinuousClock.now
        let process = try ComparedProcess(
            program: launch.program, words: launch.words, hasInput: looksAtMemory, endSignal: launch.endSignal)
        let expected = expected(isolation)
        var reader = WorkReader(start: start, byteCount: expected.utf8.count, patience: Self.patience)
        let others = otherChildren
        let memory = try reader.read(
            process, memory: looksAtMemory ? { ProportionalMemory.ofDescendants(but: others) } : nil)
        guard !reader.isLate, let end = try process.wait(until: reader.end) else {
            return try refuse(
                isolation, "it did not end within \(ShortNumber(Self.patience)) s", isSetUp: false, status: .fault)
        }
        let gone = reader.secondsSinceStart
        let errors = String(decoding: try process.errors.readWhatIsThere(), as: UTF8.self)
        try EndSignals.check()
        guard end.status == 0 else {
            let status = ExitStatus(rawValue: end.status)
            return try refuse(
                isolation, LastWords(errors, status: end.status).text, isSetUp: [.noKVM, .fault].contains(status),
                status: [.noKVM, .badImage].contains(status) ? status : .fault)
        }
        guard reader.text == expected else {
            throw Failure(
                status: .fault,
                message: "\(isolation.name): it printed \"\(reader.shownText)\", not \"\(expected.dropLast())\"")
        }
        return .measured(
            IsolatedRun(
                firstByte: reader.firstByte, workDone: reader.lastByte, gone: gone, memory: memory,
                notes: Container.notes(in: errors)))
    }

    /// - Parameter isSetUp: whether what failed is what this project's own programs say when they cannot isolate.
    private func refuse(
        _ isolation: Isolation, _ reason: String, isSetUp: Bool, status: ExitStatus
    ) throws(Failure) -> IsolationOutcome<IsolatedRun> {
        guard isolation.mayBeRefused, isSetUp || isolation.isForeign else {
            throw Failure(status: status, message: "\(isolation.name) failed: \(reason)")
        }
        return .refused(Refusal(reason: reason))
    }

    /// What an engine that was killed leaves behind; where nothing is left, that is an error that nobody needs.
    private func cleanUp(_ launch: IsolationLaunch) {
        guard let words = launch.cleanUp, let process = try? ComparedProcess(program: words[0], words: words) else {
            return
        }
        _ = try? process.wait(until: .now + .seconds(Self.patience))
    }
}
