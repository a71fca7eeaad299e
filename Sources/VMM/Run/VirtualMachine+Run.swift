import KVM
import LinuxHost

extension VirtualMachine {
    /// How long a reader that takes nothing may hold up the end of a run that was stopped, in nanoseconds.
    private static var lastPatience: Int64 { 200_000_000 }

    /// Runs the guest until it ends, fails, or is stopped. All output that the guest made is written by then, unless its
    /// reader takes nothing and the run was stopped; ``RunReport/unwrittenBytes`` tells.
    ///
    /// - Throws: `VMMError.kvm`, or `.output` when a console's output cannot be written.
    public mutating func run() throws(VMMError) -> StopReason {
        let start = MonotonicClock.now
        defer { wallNanoseconds = MonotonicClock.now - start }
        let deadline = Deadline(after: configuration.timeout)
        // Made before the guest begins: at its end nothing may keep its output from being written.
        var alarm = try host { () throws(HostError) in try RunAlarm(deadline, watches: false) }
        defer { extendLifetime(alarm) }
        try host { () throws(HostError) in try shared.platform.virtioConsole?.begin() }
        let threads = startOthers(deadline)
        first.run(until: deadline)
        for thread in threads { thread.join() }
        shared.stopWatchingInput()
        shared.platform.virtioConsole?.end()
        defer { unwrittenVirtioBytes = shared.platform.virtioConsole?.abandonOutput() ?? 0 }
        try? alarm.setForWriting()
        switch shared.control.outcome {
        case .success(let reason): return try finish(reason, deadline)
        case .failure(let error):
            // What the guest said before the host failed is worth having.
            _ = shared.finishOutput(patience: Self.lastPatience)
            throw error
        case nil: throw .fault("the run ended without a reason")
        }
    }

    /// All vCPUs but the first, which the calling thread runs. Where the system gives too few threads, that ends the run.
    private func startOthers(_ deadline: Deadline) -> [SystemThread] {
        var threads: [SystemThread] = []
        for other in others {
            do throws(HostError) {
                threads.append(try SystemThread { other.runner.run(until: deadline) })
            } catch {
                shared.control.end(.failure(.host(error)))
                break
            }
        }
        return threads
    }

    /// Writes the rest of the output. A guest that ended by itself waits for its reader until someone stops it; after a
    /// stop, a reader that takes nothing holds up the end only for a moment.
    private func finish(_ reason: StopReason, _ deadline: Deadline) throws(VMMError) -> StopReason {
        var reason = reason
        if !reason.isRequest {
            var request: StopReason?
            let result = shared.finishOutput { _ in
                request = shared.requestedStop(deadline)
                return request != nil
            }
            if case .failed(let error) = result { throw .output(error) }
            if let request { reason = request }
        }
        let result = shared.finishOutput(patience: Self.lastPatience)
        if case .failed(let error) = result { throw .output(error) }
        return reason
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

/// Carries a vCPU to the thread that runs it.
final class OtherVCPU: @unchecked Sendable {
    // The thread that makes the machine makes it and reads it after the run; between the two, its own thread runs it.
    var runner: VCPURunner

    init(_ runner: consuming VCPURunner) {
        self.runner = runner
    }
}
