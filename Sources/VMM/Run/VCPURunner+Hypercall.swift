import DeviceModel
import Glibc
import KVM

/// Requests to the hypercall doorbell, which can put the vCPU to sleep.
extension VCPURunner {
    /// How long one wait is, in milliseconds, before the reasons to end it are looked at again: a kick can come just before it.
    private static var patience: Int64 { 50 }

    /// Carries out the request whose address the guest wrote.
    mutating func hypercall(
        _ access: PortAccess, _ alarm: inout RunAlarm
    ) throws(VMMError) -> StopReason? {
        let doorbell = machine.platform.hypercalls
        var waits: [HypercallWait] = []
        vcpu.withPortData { data in
            Self.forEachElement(of: access, in: data.count) { offset, width in
                guard width == 4 else { return }
                var address: UInt64 = 0
                for byte in 0..<4 { address |= UInt64(data[offset &+ byte]) << UInt64(byte &* 8) }
                if let wait = doorbell.ring(at: GuestAddress(address)) { waits.append(wait) }
            }
        }
        for wait in waits {
            if let reason = try sleep(wait, &alarm) { return reason }
        }
        return nil
    }

    /// Sleeps in the guest's place, until there is input, the time is over, or the run ends.
    private mutating func sleep(_ wait: HypercallWait, _ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        let start = MonotonicClock.now
        let limit = Int64(clamping: wait.nanoseconds)
        let input = machine.configuration.input
        while true {
            // What was printed is not to wait for as long, nor what other vCPUs print meanwhile.
            drainCoalescedWrites()
            if let reason = try flushOutput(&alarm) { return reason }
            if input?.isReady ?? false {
                machine.platform.hypercalls.finish(wait, hasInput: true)
                return nil
            }
            let left = limit - (MonotonicClock.now - start)
            if left <= 0 {
                machine.platform.hypercalls.finish(wait, hasInput: false)
                return nil
            }
            if let reason = machine.requestedStop(deadline) { return reason }
            if machine.control.hasEnded { return nil }
            pause(left, input)
        }
    }

    private func pause(_ nanoseconds: Int64, _ input: ConsoleInput?) {
        var request = pollfd(fd: input?.watchedDescriptor ?? -1, events: Int16(POLLIN), revents: 0)
        // Whole milliseconds, and never less than what is left.
        let milliseconds = min((nanoseconds - 1) / 1_000_000 + 1, Self.patience)
        // SAFETY: one structure, the caller's own.
        _ = unsafe poll(&request, 1, Int32(milliseconds))
    }
}
