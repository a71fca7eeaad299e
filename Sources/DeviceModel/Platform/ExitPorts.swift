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
/// Like ``DebugExit`` it wants four ports, so that writes of 8, 16 and 32 bits fit; a write to any of them ends the run. One to the second,
/// 0x501, has QEMU's status: there QEMU's exit port is where nobody gives it another place.
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
        events.signal(.exit(status: UInt8(truncatingIfNeeded: offset == 1 ? value << 1 | 1 : value)))
        return .none
    }
}

/// The port by which a guest tells that its kernel has panicked (QEMU, docs/specs/pvpanic.rst): a write of 1 ends the run. A 2 says that it
/// goes on with a kernel that saves what can be saved, and changes nothing. It reads which of them it takes.
public final class PanicPort: BytePortDevice {
    private static let panicked: UInt8 = 1 << 0
    private static let crashLoaded: UInt8 = 1 << 1

    private let events: MachineEventLatch

    /// Makes a port that signals to `events`.
    public init(events: MachineEventLatch) {
        self.events = events
    }

    public func readByte(offset: UInt64) -> UInt8 {
        offset == 0 ? Self.panicked | Self.crashLoaded : 0xFF
    }

    public func writeByte(offset: UInt64, value: UInt8) {
        if offset == 0, value & Self.panicked != 0 { events.signal(.panic) }
    }
}
