import Synchronization

/// System control port A of the IBM PS/2, port 0x92: bit 1 is the A20 gate, bit 0 going from 0 to 1 resets the processor
/// (IBM PS/2 Model 50 and 60 Technical Reference, "System Control Port A").
///
/// The A20 gate cannot be closed, so the port always reads 0x02. The reset bit is 0 at first and no machine outlives its
/// reset, so every 1 written to it is a change from 0.
public final class SystemControlPort: BytePortDevice {
    private let events: MachineEventLatch

    /// Makes a port that signals resets to `events`.
    public init(events: MachineEventLatch) {
        self.events = events
    }

    /// Always 0x02.
    public func readByte(offset: UInt64) -> UInt8 {
        0x02
    }

    /// Resets the machine when bit 0 is 1.
    public func writeByte(offset: UInt64, value: UInt8) {
        if value & 1 != 0 {
            events.signal(.reset(.port92))
        }
    }
}

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
