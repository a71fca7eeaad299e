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
