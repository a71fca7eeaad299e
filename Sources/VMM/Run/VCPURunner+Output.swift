import DeviceModel
import Glibc
import KVM
import LinuxHost

/// What a vCPU's thread does for the consoles besides passing accesses on, and in the guest's place.
extension VCPURunner {
    /// Sees to it that output is written soon: at once where much waits, else by the timer.
    mutating func tendOutput(_ alarm: inout RunAlarm, after exit: VCPUExit) throws(VMMError) -> StopReason? {
        while machine.outputs.contains(where: \.isFull) || machine.trace?.isDue == true {
            if let reason = try flushOutput(&alarm) { return reason }
            if machine.control.hasEnded || machine.control.pauseIsRequested { return nil }
            // Another thread may be at it for long.
            if let reason = machine.requestedStop(deadline) { return reason }
        }
        let outputWaits = machine.outputs.contains { $0.pendingCount > 0 }
        // A kick tells nothing of what the guest is about.
        if case .interrupted = exit, !outputWaits { return nil }
        try host { () throws(HostError) in try alarm.noteExit(outputWaits: outputWaits) }
        return nil
    }

    /// Writes what waits, as long as nobody ends or pauses the run.
    func flushOutput(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        guard machine.outputs.contains(where: { $0.pendingCount > 0 }) || machine.trace?.hasPending == true else {
            return nil
        }
        try host { () throws(HostError) in try alarm.setForWriting() }
        var reason: StopReason?
        func mustGiveUp(_ idle: Int64) -> Bool {
            reason = machine.requestedStop(deadline)
            return reason != nil || machine.control.hasEnded || machine.control.pauseIsRequested
        }
        for output in machine.outputs {
            let result = output.flush(unless: mustGiveUp)
            if case .failed(let error) = result { throw .output(error) }
            if result == .gaveUp { break }
        }
        if reason == nil { machine.trace?.flush(unless: mustGiveUp) }
        try host { () throws(HostError) in try alarm.rest() }
        return reason
    }

    /// Carries out what writes have asked for.
    mutating func perform(_ effects: [BusEffect], _ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        for effect in effects {
            switch effect {
            case .none: break
            case .wait(let wait): if let reason = try sleep(wait, &alarm) { return reason }
            case .outputMayWait: try host { () throws(HostError) in try alarm.poll() }
            }
        }
        return nil
    }

    /// Sleeps in the guest's place, until there is input, a device interrupts, the time is over, or the run ends.
    private mutating func sleep(_ wait: HypercallWait, _ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        let start = MonotonicClock.now
        let limit = Int64(clamping: wait.nanoseconds)
        let (input, interrupts) = (machine.host.input, machine.host.interrupts)
        while true {
            if let reason = park() { return reason }
            // What was printed is not to wait for as long, nor what other vCPUs print meanwhile.
            machine.host.coalescing.drain()
            if let reason = try flushOutput(&alarm) { return reason }
            let (hasInput, hasInterrupt) = (input?.isReady ?? false, interrupts.isHigh)
            let left = limit - (MonotonicClock.now - start)
            if hasInput || hasInterrupt || left <= 0 {
                wait.finish(in: machine.host.memory, hasInput: hasInput, hasInterrupt: hasInterrupt)
                return nil
            }
            if machine.control.hasEnded { return nil }
            interrupts.whileWatched { event in
                guard !interrupts.isHigh else { return }
                _ = InterruptibleWait.wait(
                    for: input?.watchedDescriptor ?? -1, or: event, nanoseconds: min(left, Self.patience))
            }
        }
    }

    /// How long one wait is, in nanoseconds: what other vCPUs print may wait in the kernel's ring, and someone may open a
    /// pseudo-terminal, which nothing tells.
    private static var patience: Int64 { 50_000_000 }

    /// Stands still while the machine is paused.
    ///
    /// - Returns: what someone outside asks for, if anything.
    func park() -> StopReason? {
        machine.control.park { machine.requestedStop(deadline) != nil }
        return machine.requestedStop(deadline)
    }
}
