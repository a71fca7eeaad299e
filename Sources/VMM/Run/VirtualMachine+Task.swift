import LinuxHost

extension VirtualMachine {
    /// Makes the machine as the initializer without tasks does, on a thread of its own; the task is suspended until then, and keeps none of
    /// Swift's threads. A task that is cancelled stops the machine, which also ends the wait for an image that comes through a pipe.
    ///
    /// - Throws: `VMMError.kvm`, `.host`, `.image`, `.configuration`, `.state`.
    public init(_ configuration: MachineConfiguration) async throws(VMMError) {
        let control = configuration.control ?? MachineControl()
        var stoppable = configuration
        stoppable.control = control
        let claims = MachineClaims(stoppable)
        // What has another machine is left alone, by the task's cancellation too.
        guard claims.refusal == nil else {
            self = try VirtualMachine(stoppable, claims)
            return
        }
        let carrier = MachineCarrier()
        carrier.plan = (stoppable, claims)
        await carrier.work(stoppedBy: control) { carrier in
            guard let (configuration, claims) = carrier.plan.take() else { return }
            do throws(VMMError) {
                carrier.machine = try VirtualMachine(configuration, claims)
            } catch {
                carrier.failure = error
            }
        }
        guard let machine = carrier.machine.take() else {
            let failure = carrier.failure ?? .fault("no machine was made")
            // Known already, unless no thread was there.
            control.noteEnd(.failed(failure))
            throw failure
        }
        self = machine
    }

    /// Runs the guest until it ends, fails, or is stopped, on a thread of the machine's own; the task is suspended until then, and keeps
    /// none of Swift's threads. A task that is cancelled stops the guest: the reason is ``StopReason/stopped``.
    ///
    /// All output that the guest made is written by then, unless its reader takes nothing and the run was stopped;
    /// ``FinishedMachine/unwrittenByteCount`` tells.
    public consuming func run() async -> FinishedMachine {
        let control = control
        let carrier = MachineCarrier()
        carrier.machine = consume self
        await carrier.work(stoppedBy: control) { carrier in
            guard let machine = carrier.machine.take() else { return }
            carrier.finished = machine.run()
        }
        if let finished = carrier.finished.take() { return finished }
        // No guest and no host reaches the trap: the thread alone takes the machine, its run throws nothing, and what became of it is there
        // before the task goes on. Where there was no thread, nobody has taken it.
        guard let machine = carrier.machine.take() else { preconditionFailure("a machine is gone") }
        return FinishedMachine(machine, .failed(carrier.failure ?? .fault("no thread ran the machine")))
    }
}

/// Carries a machine, and what it is made from, between a task and a thread, which have it in turn. The thread takes it out and keeps nothing
/// when the task goes on, so that what the task lets go of then is gone.
private final class MachineCarrier: @unchecked Sendable {
    var plan: (MachineConfiguration, MachineClaims)?
    var machine: VirtualMachine?
    var finished: FinishedMachine?
    var failure: VMMError?

    /// Calls `body` on a thread of its own, and suspends the task until then. Where there is no thread, that is the failure.
    ///
    /// - Parameter control: is told to stop when the task is cancelled.
    func work(stoppedBy control: MachineControl, _ body: @escaping @Sendable (MachineCarrier) -> Void) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                do throws(HostError) {
                    _ = try SystemThread {
                        body(self)
                        continuation.resume()
                    }
                } catch {
                    failure = .host(error)
                    continuation.resume()
                }
            }
        } onCancel: {
            control.stop()
        }
    }
}
