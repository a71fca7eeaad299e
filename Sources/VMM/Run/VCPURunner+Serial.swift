import DeviceModel
import KVM

/// What a vCPU's thread does for the consoles besides passing accesses on.
extension VCPURunner {
    /// Looks at what a write to the serial port has changed.
    mutating func serialPortWritten(_ access: PortAccess, _ alarm: inout RunAlarm) throws(VMMError) {
        let serial = machine.platform.serial
        do throws(KVMError) {
            if access.port == Platform.serialPorts.lowerBound {
                if try machine.coalescing.countByte(machine.kvm, vcpu) { try alarm.poll() }
                return
            }
            // The other registers decide what may interrupt.
            if machine.hasInterruptControllers, serial.interruptsOnReceive { try machine.watchInput() }
            if serial.wantsEachByteAtOnce {
                try machine.coalescing.stop(machine.kvm, into: machine.platform.ports)
            }
        } catch {
            throw .kvm(error)
        }
    }

    /// Plays back the writes that wait in the ring.
    func drainCoalescedWrites() {
        machine.coalescing.drain(into: machine.platform.ports)
    }

    /// Sees to it that output is written soon: at once where much waits, else by the timer.
    mutating func tendOutput(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        while machine.outputs.isFull {
            if let reason = try flushOutput(&alarm) { return reason }
            if machine.control.hasEnded { return nil }
        }
        if machine.outputs.pendingCount > 0, !alarm.isSetForOutput {
            do throws(KVMError) { try alarm.setForOutput() } catch { throw .kvm(error) }
        }
        return nil
    }

    /// Writes what waits, as long as nobody ends the run.
    func flushOutput(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        guard machine.outputs.pendingCount > 0 else { return nil }
        do throws(KVMError) { try alarm.setForWriting() } catch { throw .kvm(error) }
        var reason: StopReason?
        let result = machine.outputs.flush { _ in
            reason = machine.requestedStop(deadline)
            return reason != nil || machine.control.hasEnded
        }
        if case .failed(let error) = result { throw .output(error) }
        do throws(KVMError) { try alarm.rest() } catch { throw .kvm(error) }
        return reason
    }
}
