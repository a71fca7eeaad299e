import Synchronization

/// The reset control register of PC chipsets, port 0xCF9: bit 2 going from 0 to 1 resets the machine (Intel 82371SB PIIX3,
/// "RC: Reset Control Register"). It reads back what was written.
///
/// The reset bit is 0 at first and no machine outlives its reset, so every 1 written to it is a change from 0.
public final class ResetControl: BytePortDevice {
    private let register = Atomic<UInt8>(0)
    private let events: MachineEventLatch

    /// Makes a register that signals resets to `events`.
    public init(events: MachineEventLatch) {
        self.events = events
    }

    /// The last value written, 0 at first.
    public func readByte(offset: UInt64) -> UInt8 {
        register.load(ordering: .relaxed)
    }

    /// Resets the machine when bit 2 is 1.
    public func writeByte(offset: UInt64, value: UInt8) {
        register.store(value, ordering: .relaxed)
        if value & 4 != 0 {
            events.signal(.reset(.resetControl))
        }
    }
}
