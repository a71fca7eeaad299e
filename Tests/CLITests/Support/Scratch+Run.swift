import Subprocess
import TestSupport
import Testing

extension Scratch {
    /// More output than any test makes, in bytes.
    private static let outputLimit = 4 << 20

    /// Runs swiftvmm with these arguments until it ends.
    ///
    /// - Parameter redirection: as a shell takes it, such as `<input` or `>&-`; without one, input is empty and both outputs
    ///   are kept.
    func swiftvmm(_ arguments: String..., redirection: String = "") async throws -> Outcome {
        try await swiftvmm(arguments, redirection: redirection)
    }

    func swiftvmm(_ arguments: [String], redirection: String = "") async throws -> Outcome {
        try await shell("exec \"$0\" \"$@\" \(redirection)", arguments)
    }

    /// Runs a shell script until it ends, with the program under test as `$0`.
    ///
    /// It is waited for with high priority: other tests, which compute, must not hold it up.
    ///
    /// - Parameter patience: how long it may run.
    func shell(
        _ script: String, _ arguments: [String] = [], patience: Duration = TestScale.patience
    ) async throws -> Outcome {
        try await Task(priority: .high) { try await runShell(script, arguments, patience) }.value
    }

    private func runShell(_ script: String, _ arguments: [String], _ patience: Duration) async throws -> Outcome {
        let start = ContinuousClock.now
        var watchdog: Task<Bool, Never>?
        let result = try await Subprocess.run(
            .name("sh"), arguments: self.arguments(script, arguments), platformOptions: Self.ownGroup,
            input: .none, output: .bytes(limit: Self.outputLimit), error: .bytes(limit: Self.outputLimit)
        ) { execution in
            watchdog = Self.watch(execution, patience)
        }
        await Self.expectInTime(watchdog, patience)
        return Outcome(
            status: Self.status(result.terminationStatus), output: result.standardOutput,
            errors: String(decoding: result.standardError, as: UTF8.self), elapsed: ContinuousClock.now - start)
    }

    /// Runs swiftvmm and lets `body` talk with it while it runs. What the body has read is the outcome's output.
    ///
    /// - Parameter prelude: what the shell does before it becomes swiftvmm.
    func talk(
        _ arguments: String..., prelude: String = "", redirection: String = "",
        _ body: @escaping @Sendable (inout Session) async throws -> Void
    ) async throws -> Outcome {
        try await converse(arguments, prelude: prelude, redirection: redirection, body)
    }

    func converse(
        _ arguments: [String], prelude: String = "", redirection: String = "",
        _ body: @escaping @Sendable (inout Session) async throws -> Void
    ) async throws -> Outcome {
        let script = "\(prelude) exec \"$0\" \"$@\" \(redirection)"
        return try await Task(priority: .high) { try await runSession(script, arguments, Self.ownGroup, body) }.value
    }

    /// Runs swiftvmm on a terminal, which controls its session, and lets `body` be the user. Standard error is kept apart from
    /// the terminal, in the outcome.
    ///
    /// - Parameters:
    ///   - prelude: what the shell does on the terminal before it becomes swiftvmm.
    ///   - command: what it does then, instead of becoming swiftvmm.
    func use(
        _ terminal: HostTerminal, _ arguments: String..., prelude: String = "", redirection: String = "",
        command: String = "exec \"$0\" \"$@\"", _ body: @escaping @Sendable (inout Session) async throws -> Void
    ) async throws -> Outcome {
        try await use(terminal, arguments, prelude: prelude, redirection: redirection, command: command, body)
    }

    func use(
        _ terminal: HostTerminal, _ arguments: [String], prelude: String = "", redirection: String = "",
        command: String = "exec \"$0\" \"$@\"", _ body: @escaping @Sendable (inout Session) async throws -> Void
    ) async throws -> Outcome {
        // A session's first process that opens a terminal gets it as the one that controls the session. On a terminal Swift
        // itself waits for the user after a crash.
        let script =
            "export SWIFT_BACKTRACE=enable=no; ulimit -c 0; exec <>\(terminal.path) >&0; \(prelude) \(command) \(redirection)"
        return try await Task(priority: .high) { try await runSession(script, arguments, Self.ownSession, body) }.value
    }

    private func runSession(
        _ script: String, _ arguments: [String], _ options: PlatformOptions,
        _ body: @Sendable (inout Session) async throws -> Void
    ) async throws -> Outcome {
        let start = ContinuousClock.now
        var watchdog: Task<Bool, Never>?
        let result = try await Subprocess.run(
            .name("sh"), arguments: self.arguments(script, arguments),
            platformOptions: options,
            input: .inputWriter, output: .sequence, error: .bytes(limit: Self.outputLimit)
        ) { execution in
            watchdog = Self.watch(execution)
            var session = Session(execution)
            do {
                try await body(&session)
            } catch {
                try? execution.send(signal: .kill, toProcessGroup: true)
                throw error
            }
            return session.received
        }
        await Self.expectInTime(watchdog)
        return Outcome(
            status: Self.status(result.terminationStatus), output: result.closureResult,
            errors: String(decoding: result.standardError, as: UTF8.self), elapsed: ContinuousClock.now - start)
    }

    /// `$0` is the program under test, `$1` the folder to go to, and the rest what the script sees.
    private func arguments(_ script: String, _ arguments: [String]) -> Arguments {
        Arguments(["-c", "cd \"$1\" || exit 99; shift; \(script)", Binary.path, path] + arguments)
    }

    /// A process group of its own, so that all that a script starts can be killed together.
    private static var ownGroup: PlatformOptions {
        var options = PlatformOptions()
        options.processGroupID = 0
        return options
    }

    private static var ownSession: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        return options
    }

    /// Kills the process when it has run for too long. The task's value is whether it did. Second by second: where other tests keep the
    /// threads on which tasks run, nobody takes what the process gives meanwhile, and that time does not count.
    private static func watch<Input, Output, Error>(
        _ execution: Execution<Input, Output, Error>, _ patience: Duration = TestScale.patience
    ) -> Task<Bool, Never> {
        Task {
            for _ in 0..<Int(patience / .seconds(1)) {
                do { try await Task.sleep(for: .seconds(1)) } catch { return false }
            }
            try? execution.send(signal: .kill, toProcessGroup: true)
            return true
        }
    }

    private static func expectInTime(
        _ watchdog: Task<Bool, Never>?, _ patience: Duration = TestScale.patience
    ) async {
        watchdog?.cancel()
        let wasKilled = await watchdog?.value ?? false
        #expect(!wasKilled, "still running after \(patience)")
    }

    private static func status(_ status: TerminationStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): -signal
        }
    }
}
