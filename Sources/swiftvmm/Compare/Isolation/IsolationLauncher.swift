import Glibc

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
            launch(CompareCommand.name, ContainerOptions.name, work.process, endSignal: SIGTERM)
        case .runc, .podman: try engine(isolation).launch(hasInput: hasInput)
        case .realMode: launch(RunOptions.command, work.realMode)
        case .longMode: launch(RunOptions.command, work.longMode)
        case .interrupts: launch(RunOptions.command, work.longMode, "--irqchip", "full")
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
        IsolationLaunch(program: swiftvmm, words: [RootCommand.name] + words, endSignal: endSignal)
    }
}
