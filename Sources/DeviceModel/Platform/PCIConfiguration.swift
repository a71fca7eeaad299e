import Synchronization

/// The configuration ports of a PCI bus, 0xCF8 to 0xCFF (PCI Local Bus 3.0 §3.2.2.3.2, configuration mechanism #1), on which there is
/// nothing but the host bridge. Kernels that expect a PC look here first, and one that finds no bus at all may take the machine for broken.
///
/// The ports are shared by width: 32 bits at offset 0 are the address, 8 bits at offset 1, port 0xCF9, are the chipset's reset
/// control register, and offsets 4 to 7 are the data. Another access reads all ones, and what it writes is dropped.
public final class PCIConfiguration: BusDevice {
    private static let resetOffset: UInt64 = 1

    private let registers = Mutex(PCIConfigurationRegisters())
    private let resetControl: ResetControl

    /// Makes ports whose reset control register signals to `events`.
    public init(events: MachineEventLatch) {
        resetControl = ResetControl(events: events)
    }

    public func read(offset: UInt64, width: Int) -> UInt64 {
        if offset == Self.resetOffset, width == 1 { return UInt64(resetControl.readByte(offset: 0)) }
        return registers.withLock { $0.read(offset: offset, width: width) }
    }

    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        if offset == Self.resetOffset, width == 1 {
            resetControl.writeByte(offset: 0, value: UInt8(truncatingIfNeeded: value))
        } else {
            registers.withLock { $0.write(offset: offset, width: width, value: value) }
        }
        return .none
    }
}

/// The address register, and what lies behind the data: a pure value.
///
/// Bus 0, device 0, function 0 is a host bridge, which calls itself an Intel 82441FX, as QEMU's and crosvm's do: kernels know it,
/// and expect nothing of it that is not here. It decodes no address, and takes no write.
package struct PCIConfigurationRegisters: Equatable, Sendable {
    /// Bit 31 lets the data through, bits 23 to 16 are the bus, 15 to 11 the device, 10 to 8 the function and 7 to 2 the
    /// register, by words of 4 bytes. The others read as 0.
    private static let writableAddress: UInt64 = 0x80FF_FFFC
    private static let enable: UInt64 = 1 << 31
    private static let function: UInt64 = 0x00FF_FF00
    private static let register: UInt64 = 0x0000_00FC

    /// The words of the host bridge's configuration space that are not 0 (PCI Local Bus 3.0 §6.1; Intel 82441FX data sheet §3.2).
    private static let hostBridge: [UInt64: UInt64] = [
        0x00: 0x1237_8086,  // device and vendor
        0x04: 0x0280_0006,  // status: medium DEVSEL, fast back-to-back; command: bus master, memory
        0x08: 0x0600_0002,  // class: host bridge; revision 2
    ]

    private var address: UInt64 = 0

    package init() {}

    package func read(offset: UInt64, width: Int) -> UInt64 {
        if offset == 0, width == 4 { return address }
        guard address & Self.enable != 0, address & Self.function == 0, let shift = Self.shift(offset, width) else {
            return .max
        }
        return (Self.hostBridge[address & Self.register] ?? 0) >> shift
    }

    package mutating func write(offset: UInt64, width: Int, value: UInt64) {
        if offset == 0, width == 4 { address = value & Self.writableAddress }
    }

    /// How far the data of an access lies from the word's lowest bit; nil where it is not one to the data.
    private static func shift(_ offset: UInt64, _ width: Int) -> UInt64? {
        guard (4...7).contains(offset), [1, 2, 4].contains(width), offset &+ UInt64(truncatingIfNeeded: width) <= 8
        else { return nil }
        return (offset & 3) &* 8
    }
}
