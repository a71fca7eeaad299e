import Glibc

/// Knows how each subject is started with one work.
final class IsolationLauncher {
    private let work: IsolatedWork
    private let hasInput: Bool
    private var engines: [Isolation: Result<ContainerEngine, Refusal>] = [:]

    /// - Parameter hasInput: whether the work waits for input.
    init(_ work: IsolatedWork, hasInput: Bool) {
        self.work = work
        self.hasInput = hasInput
    }

    func launch(_ isolation: Isolation) throws(Refusal) -> IsolationLaunch {
        switch isolation {
        case .process: IsolationLaunch(program: work.process, words: [work.process])
        case .container:
            Self.swiftvmm(CompareCommand.name, ContainerOptions.name, work.process, endSignal: SIGTERM)
        case .runc, .podman: try engine(isolation).launch(hasInput: hasInput)
        case .realMode: Self.swiftvmm(RunOptions.command, work.realMode)
        case .longMode: Self.swiftvmm(RunOptions.command, work.longMode)
        case .interrupts: Self.swiftvmm(RunOptions.command, work.longMode, "--irqchip", "full")
        }
    }

    private func engine(_ isolation: Isolation) throws(Refusal) -> ContainerEngine {
        let result =
            engines[isolation]
            ?? Result { () throws(Refusal) in try ContainerEngine(isolation, program: work.process) }
        engines[isolation] = result
        return try result.get()
    }

    private static func swiftvmm(_ words: String..., endSignal: Int32? = nil) -> IsolationLaunch {
        IsolationLaunch(program: ComparedProcess.this, words: [RootCommand.name] + words, endSignal: endSignal)
    }
}
