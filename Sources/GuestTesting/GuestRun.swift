import LinuxHost
import Synchronization
import SystemPackage
import VMM

/// One run of a guest, on a thread of its own, and those who wait for something in it.
///
/// Concurrency model: safe from any thread. The machine's thread holds what it needs of this until the guest has ended; whoever waits
/// does so without a thread.
final class GuestRun: Sendable {
    /// How much a guest may print, in bytes.
    private static let outputLimit = 16 << 20

    let image: String
    private let control = MachineControl()
    private let output: ConsoleOutput
    private let input: ConsoleInput?
    private let watchers: RunWatchers

    /// Starts at once.
    init(_ guest: Guest, isDialogue: Bool) {
        let watchers = RunWatchers()
        let look: @Sendable () -> Void = { watchers.look() }
        // Who waits for the end alone listens to nothing: then output may be held back a while.
        output = ConsoleOutput(collectingUpTo: Self.outputLimit, onOutput: isDialogue ? look : nil)
        var (configuration, input) = guest.configuration(output: output, isDialogue: isDialogue)
        configuration.control = control
        // It counts from here, so that it ends the wait for an image too.
        configuration.deadline = configuration.deadline.orEarlier(Deadline(after: configuration.timeout))
        self.input = input
        self.watchers = watchers
        let image = guest.image.name
        self.image = image
        do throws(HostError) {
            let machine = configuration
            _ = try SystemThread { watchers.end(with: Self.run(machine, image)) }
        } catch {
            watchers.end(with: .failure(GuestFailure(image, .host(error))))
        }
    }

    /// Runs the machine to its end, and has everything of it closed before it tells.
    private static func run(_ configuration: MachineConfiguration, _ image: String) -> Result<Outcome, GuestFailure> {
        let output = configuration.output
        func outcome(_ machine: FinishedMachine, _ reason: StopReason) -> Outcome {
            Outcome(
                image: image, reason: reason, output: output.collected, report: machine.report,
                // Where the host does not tell, the rest is worth having.
                vcpus: (try? machine.snapshots()) ?? [:])
        }
        do throws(VMMError) {
            let machine = try VirtualMachine(configuration).run()
            do throws(VMMError) {
                return .success(outcome(machine, try machine.reason))
            } catch .output(let error) {
                let isTooMuch = error == .noSpace && output.collected.count >= outputLimit
                let what =
                    isTooMuch
                    ? "it printed more than \(outputLimit >> 20) MiB, and was stopped"
                    : VMMError.output(error).description
                return .failure(GuestFailure(outcome(machine, .stopped), what))
            }
        } catch {
            return .failure(GuestFailure(image, error, output: output.collected))
        }
    }

    func stop() { control.stop() }

    func send(_ bytes: [UInt8]) { _ = input?.append(bytes) }

    /// What was printed so far.
    var printed: [UInt8] { output.collected }

    /// Nil while it runs.
    var result: Result<Outcome, GuestFailure>? { watchers.result }

    /// Waits until the guest has ended. A task that is cancelled stops it.
    func ended() async -> Result<Outcome, GuestFailure> {
        while true {
            if let result { return result }
            await wait { false }
        }
    }

    /// Waits until something is so of what was printed, or the guest has ended. A task that is cancelled stops it.
    ///
    /// - Parameter isOver: called when there is new output, one call at a time.
    func wait(until isOver: @escaping @Sendable () -> Bool) async {
        await withTaskCancellationHandler {
            await watchers.wait(until: isOver)
        } onCancel: {
            control.stop()
        }
    }
}

/// Who waits for a run, and its result.
///
/// Concurrency model: safe from any thread.
private final class RunWatchers: Sendable {
    private struct Waiter {
        let isOver: @Sendable () -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var result: Result<Outcome, GuestFailure>?
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())

    var result: Result<Outcome, GuestFailure>? { state.withLock { $0.result } }

    func wait(until isOver: @escaping @Sendable () -> Bool) async {
        await withCheckedContinuation { continuation in
            let isNow = state.withLock { state in
                // Under the lock: what comes now is looked at after this one is there.
                if state.result != nil || isOver() { return true }
                state.waiters.append(Waiter(isOver: isOver, continuation: continuation))
                return false
            }
            if isNow { continuation.resume() }
        }
    }

    /// There is more output.
    func look() {
        let done = state.withLock { state in
            var (done, waiting): ([Waiter], [Waiter]) = ([], [])
            for waiter in state.waiters { waiter.isOver() ? done.append(waiter) : waiting.append(waiter) }
            state.waiters = waiting
            return done
        }
        for waiter in done { waiter.continuation.resume() }
    }

    func end(with result: Result<Outcome, GuestFailure>) {
        let waiters = state.withLock { state in
            state.result = result
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }
}
