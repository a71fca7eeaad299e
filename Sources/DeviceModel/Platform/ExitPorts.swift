/// QEMU's exit port, 0xF4 (QEMU, `isa-debug-exit`): a write of the value v ends the run with status `(v << 1) | 1`, cut
/// to 8 bits, so never with 0.
///
/// QEMU gives it four ports, so that writes of 8, 16 and 32 bits fit; a write to any of the four ends the run.
public final class DebugExit: BusDevice {
    private let events: MachineEventLatch

    /// Makes a port that signals to `events`.
    public init(events: MachineEventLatch) {
        self.events = events
    }

    /// Always 0, as QEMU has it.
    public func read(offset: UInt64, width: Int) -> UInt64 {
        0
    }

    /// Ends the run.
    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        events.signal(.exit(status: UInt8(truncatingIfNeeded: value << 1 | 1)))
        return .none
    }
}

/// An exit port that can say 0, swiftvmm's own, 0x500: a write of the value v ends the run with status `v & 0xFF`.
///
/// Like ``DebugExit`` it wants four ports, so that writes of 8, 16 and 32 bits fit; a write to any of them ends the run.
public final class PlainExit: BusDevice {
    private let events: MachineEventLatch

    /// Makes a port that signals to `events`.
    public init(events: MachineEventLatch) {
        self.events = events
    }

    /// Always 0.
    public func read(offset: UInt64, width: Int) -> UInt64 {
        0
    }

    /// Ends the run.
    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        events.signal(.exit(status: UInt8(truncatingIfNeeded: value)))
        return .none
    }
}
