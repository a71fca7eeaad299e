import DeviceModel
import Glibc
import KVM
import LinuxHost

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

    /// Sleeps in the guest's place, until there is input, a device interrupts, the time is over, or the run ends.
    private mutating func sleep(_ wait: HypercallWait, _ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        let start = MonotonicClock.now
        let limit = Int64(clamping: wait.nanoseconds)
        let input = machine.configuration.input
        let bell = machine.platform.virtioConsole?.bell
        while true {
            // What was printed is not to wait for as long, nor what other vCPUs print meanwhile.
            drainCoalescedWrites()
            if let reason = try flushOutput(&alarm) { return reason }
            let (hasInput, hasInterrupt) = (input?.isReady ?? false, bell?.isHigh ?? false)
            let left = limit - (MonotonicClock.now - start)
            if hasInput || hasInterrupt || left <= 0 {
                machine.platform.hypercalls.finish(wait, hasInput: hasInput, hasInterrupt: hasInterrupt)
                return nil
            }
            if let reason = machine.requestedStop(deadline) { return reason }
            if machine.control.hasEnded { return nil }
            if let bell {
                bell.whileWatched { if !bell.isHigh { pause(left, input, $0) } }
            } else {
                pause(left, input, -1)
            }
        }
    }

    /// - Parameter interrupt: a descriptor to be woken by, besides that of the input.
    private func pause(_ nanoseconds: Int64, _ input: ConsoleInput?, _ interrupt: Int32) {
        var requests = (
            pollfd(fd: input?.watchedDescriptor ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: interrupt, events: Int16(POLLIN), revents: 0)
        )
        // Whole milliseconds, and never less than what is left.
        let milliseconds = min((nanoseconds - 1) / 1_000_000 + 1, Self.patience)
        // SAFETY: two structures one behind the other, the caller's own.
        unsafe withUnsafeMutablePointer(to: &requests) { pair in
            _ = unsafe pair.withMemoryRebound(to: pollfd.self, capacity: 2) { unsafe poll($0, 2, Int32(milliseconds)) }
        }
    }
}
