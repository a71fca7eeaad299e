import LinuxHost

/// Which of a machine's threads one is.
public enum ThreadRole: Equatable, Sendable {
    case vcpu(Int)
    /// Works for devices.
    case devices
}

/// Carries a vCPU to the thread that runs it.
final class OtherVCPU: @unchecked Sendable {
    // The thread that makes the machine makes it and reads it after the run; between the two, its own thread runs it.
    var runner: VCPURunner

    init(_ runner: consuming VCPURunner) {
        self.runner = runner
    }
}

extension VirtualMachine {
    /// How long a reader that takes nothing may hold up the end of a run that was stopped, in nanoseconds.
    private static var lastPatience: Int64 { 200_000_000 }

    /// Runs the guest until it ends, fails, or is stopped, on the calling thread, which is kept until then; where there are Swift tasks
    /// the asynchronous form is the right one. All output that the guest made is written by then, unless its reader takes nothing and
    /// the run was stopped; ``FinishedMachine/unwrittenByteCount`` tells.
    ///
    /// The calling thread takes the signal `SIGRTMIN + 4` from now on, and no `SIGPIPE` during the run: a console whose reader is gone is a
    /// failure of the run, and does not end the process.
    public consuming func run() -> FinishedMachine {
        let brokenPipes = BrokenPipeSignal.hold()
        defer { brokenPipes.release() }
        var machine = self
        let start = MonotonicClock.now
        var abandonedBytes: UInt64 = 0
        let outcome: RunOutcome
        do throws(VMMError) {
            outcome = .ended(try machine.runToEnd(&abandonedBytes))
        } catch {
            outcome = .failed(error)
        }
        return FinishedMachine(
            machine, outcome, wallNanoseconds: MonotonicClock.now - start, abandonedBytes: abandonedBytes)
    }

    /// - Parameter abandonedBytes: how many bytes devices were given that nobody has taken and nobody will.
    private mutating func runToEnd(_ abandonedBytes: inout UInt64) throws(VMMError) -> StopReason {
        let deadline = Deadline(after: configuration.timeout).orEarlier(configuration.deadline)
        // Made before the guest begins: at its end nothing may keep its output from being written.
        var alarm = try host { () throws(HostError) in try RunAlarm(deadline, watches: false) }
        defer { extendLifetime(alarm) }
        parts.trace?.begin(plan)
        defer { abandonedBytes = endDevices(deadline) }
        let threads = try startThreads(deadline)
        // Nothing can fail any more: whoever has begun to look is told of the end, too.
        parts.screen?.begin()
        first.run(until: deadline)
        for thread in threads { thread.join() }
        try? alarm.setForWriting()
        parts.control.endPause()
        parts.screen?.end()
        switch parts.control.outcome {
        case .ended(let reason): return try finish(reason, deadline)
        case .failed(let error):
            // What the guest said before the host failed is worth having.
            _ = finishOutput()
            throw error
        case nil: throw .fault("the run ended without a reason")
        }
    }

    /// Starts the devices' threads, and those of all vCPUs but the first, which the calling thread runs. None enters the guest before
    /// all are there.
    private func startThreads(_ deadline: Deadline) throws(VMMError) -> [SystemThread] {
        let onStart = configuration.onThreadStart
        for device in parts.devices { try device.begin() }
        for attachment in configuration.attachments { try attachment.begin(on: parts.host) }
        let loops = parts.host.loops
        parts.control.add(loops.all)
        try host { () throws(HostError) in try loops.start { onStart?(.devices) } }
        onStart?(.vcpu(0))
        guard !others.isEmpty else { return [] }
        let gate = Monitor((ready: 0, isOpen: false))
        defer { gate.change { $0.isOpen = true } }
        var threads: [SystemThread] = []
        for other in others {
            do throws(HostError) {
                let index = other.runner.index
                threads.append(
                    try SystemThread {
                        onStart?(.vcpu(index))
                        gate.change { $0.ready += 1 }
                        _ = gate.wait { $0.isOpen ? true : nil }
                        other.runner.run(until: deadline)
                    })
            } catch {
                // Where the system gives too few threads, that ends the run.
                parts.control.end(.failed(.host(error)))
                break
            }
        }
        let count = threads.count
        _ = gate.wait { $0.ready == count ? true : nil }
        return threads
    }

    /// - Returns: how many bytes devices are left with.
    private func endDevices(_ deadline: Deadline) -> UInt64 {
        for attachment in configuration.attachments { attachment.end() }
        parts.host.loops.end()
        parts.host.coalescing.end()
        let abandonedBytes = parts.devices.reduce(0) { $0 &+ $1.end() }
        parts.screen?.close()
        // A device that had an output to itself has given it up: what vCPUs wrote behind it can be written.
        for output in parts.outputs { _ = output.flush { _ in true } }
        consoleEnds.machineEnded()
        // Last, for all that was traced; its reader is waited for as the output's is.
        parts.trace?.flush(waits: true) { idle in
            parts.requestedStop(deadline) != nil && idle > Self.lastPatience
        }
        return abandonedBytes
    }

    /// Writes the rest of the output. A guest that ended by itself waits for its reader until someone stops it; after a
    /// stop, a reader that takes nothing holds up the end only for a moment.
    private func finish(_ reason: StopReason, _ deadline: Deadline) throws(VMMError) -> StopReason {
        var reason = reason
        if !reason.isRequest {
            var request: StopReason?
            let result = parts.finishOutput { _ in
                request = parts.requestedStop(deadline)
                return request != nil
            }
            if case .failed(let error) = result { throw .output(error) }
            if let request { reason = request }
        }
        if case .failed(let error) = finishOutput() { throw .output(error) }
        return reason
    }

    /// The same for a run that was stopped: a reader is waited for only so long, also one that does take what a device was offered,
    /// which can be a million times what the other consoles hold back.
    private func finishOutput() -> ConsoleOutput.FlushResult {
        let end = MonotonicClock.now + Self.lastPatience
        return parts.finishOutput { _ in MonotonicClock.now > end }
    }
}

extension StopReason {
    /// Whether someone ended the run from outside.
    fileprivate var isRequest: Bool {
        switch self {
        case .deadline, .signal, .stopped: true
        default: false
        }
    }
}
