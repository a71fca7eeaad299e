/// The power management control register that switches the machine off, 16 bits, port 0x604 as in QEMU (ACPI 6.5
/// §4.8.3.2.1, "PM1 Control Registers").
///
/// A write with SLP_EN (bit 13) set and sleep type 0 (bits 10 to 12), which is the soft-off state here as in QEMU,
/// switches off. Other sleep types do not exist. It reads 0.
public final class PowerOffPort: BusDevice {
    private static let sleepEnableAndType: UInt64 = 0x3C00
    private static let softOff: UInt64 = 0x2000

    private let events: MachineEventLatch

    /// Makes a register that signals to `events`.
    public init(events: MachineEventLatch) {
        self.events = events
    }

    /// Always 0.
    public func read(offset: UInt64, width: Int) -> UInt64 {
        0
    }

    /// Switches off, if the value says so.
    public func write(offset: UInt64, width: Int, value: UInt64) {
        guard offset == 0, value & Self.sleepEnableAndType == Self.softOff else { return }
        events.signal(.powerOff)
    }
}
