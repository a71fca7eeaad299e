import DeviceModel
import KVM

/// What the run loop does for the serial port besides passing accesses on.
extension VirtualMachine {
    /// More than the ring's page holds.
    private static let largestRing = 256

    /// Plays back the writes that waited in the ring, in order. Before any other exit is handled, so that the port sees what
    /// it would have seen.
    mutating func drainCoalescedWrites() {
        guard coalescing == .on else { return }
        for _ in 0..<Self.largestRing {
            guard let write = vcpu.takeCoalescedWrite(ringPage: ringPage) else { return }
            tally.countCoalescedWrite()
            platform.ports.write(at: write.address, width: write.width, value: write.value)
        }
    }

    /// Looks at what a write to the serial port has changed.
    mutating func serialPortWritten(_ access: PortAccess, _ alarm: inout RunAlarm) throws(VMMError) {
        if hasInterruptControllers, inputWatcher == nil, platform.serial.interruptsOnReceive {
            try watchInput()
        }
        if coalescing != .off, platform.serial.interruptsOnTransmit {
            try stopCoalescing()
            return
        }
        guard access.port == Platform.serialPorts.lowerBound, coalescing.countByte() else { return }
        do throws(KVMError) {
            try machine.coalesceWrites(toPort: access.port, count: 1)
            coalescing = .on
            try alarm.poll()
        } catch {
            throw .kvm(error)
        }
    }

    /// From the first time on that the guest waits for an interrupt instead of looking.
    private mutating func watchInput() throws(VMMError) {
        guard let input = configuration.input else { return }
        do throws(KVMError) {
            let watcher = try InputWatcher(input, for: platform.serial)
            inputWatcher = watcher
            inputThread = try watcher.start()
        } catch {
            throw .kvm(error)
        }
    }

    mutating func stopWatchingInput() {
        inputWatcher?.stop()
        inputThread?.stop()
        (inputWatcher, inputThread) = (nil, nil)
    }

    /// For good.
    private mutating func stopCoalescing() throws(VMMError) {
        if coalescing == .on {
            let port = Platform.serialPorts.lowerBound
            try kvm { () throws(KVMError) in try machine.stopCoalescingWrites(toPort: port, count: 1) }
            drainCoalescedWrites()
        }
        coalescing = .off
    }
}
