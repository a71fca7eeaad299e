import LinuxHost

extension VirtualMachine {
    /// Runs the guest until it ends, fails, or is stopped, on a thread of the machine's own; the task is suspended until then, and keeps
    /// none of Swift's threads. A task that is cancelled stops the guest: the reason is ``StopReason/stopped``.
    ///
    /// All output that the guest made is written by then, unless its reader takes nothing and the run was stopped;
    /// ``FinishedMachine/unwrittenByteCount`` tells.
    public consuming func run() async -> FinishedMachine {
        let control = control
        let run = ThreadedRun(self)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in run.begin { continuation.resume(returning: $0) } }
        } onCancel: {
            control.stop()
        }
    }
}

/// Carries a machine to the thread that runs it.
private final class ThreadedRun: @unchecked Sendable {
    // The task that makes it leaves it to the thread; where there is none, it takes it back.
    private var machine: VirtualMachine?

    init(_ machine: consuming VirtualMachine) {
        self.machine = consume machine
    }

    func begin(then completion: @escaping @Sendable (FinishedMachine) -> Void) {
        do throws(HostError) {
            _ = try SystemThread {
                guard let machine = self.machine.take() else { return }
                completion(machine.run())
            }
        } catch {
            guard let machine = machine.take() else { return }
            completion(FinishedMachine(machine, .failed(.host(error))))
        }
    }
}
