import Synchronization

/// QEMU's firmware configuration device, fw_cfg, at port 0x510 (QEMU docs/specs/fw_cfg): a 16-bit write chooses an item, and each
/// 8-bit read of the next port gives its next byte. It has no DMA interface.
///
/// The hypercall doorbell has the same port in 32 bits; every access but those two is its.
public final class FirmwareConfiguration: BusDevice {
    private static let dataOffset: UInt64 = 1

    private let doorbell: HypercallDoorbell
    private let registers: Mutex<FirmwareConfigurationRegisters>

    /// - Parameters:
    ///   - ramSize: in bytes.
    ///   - cpuCount: how many processors the machine has.
    ///   - doorbell: what answers all other accesses.
    public init(ramSize: UInt64, cpuCount: Int, doorbell: HypercallDoorbell) {
        self.doorbell = doorbell
        registers = Mutex(FirmwareConfigurationRegisters(ramSize: ramSize, cpuCount: UInt16(clamping: cpuCount)))
    }

    public func read(offset: UInt64, width: Int) -> UInt64 {
        guard offset == Self.dataOffset, width == 1 else { return doorbell.read(offset: offset, width: width) }
        return registers.withLock { UInt64($0.takeByte()) }
    }

    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        guard offset == 0, width == 2 else { return doorbell.write(offset: offset, width: width, value: value) }
        registers.withLock { $0.select(UInt16(truncatingIfNeeded: value)) }
        return .none
    }
}

/// What fw_cfg holds, and how far it was read: a pure value.
package struct FirmwareConfigurationRegisters: Equatable, Sendable {
    /// Bit 14 of a key asks for an item to be written, which there is not.
    private static let writeRequest: UInt16 = 1 << 14

    private let ramSize: UInt64
    private let cpuCount: UInt16
    /// What is left of the chosen item.
    private var rest: ArraySlice<UInt8> = []

    package init(ramSize: UInt64, cpuCount: UInt16) {
        (self.ramSize, self.cpuCount) = (ramSize, cpuCount)
        select(0)
    }

    package mutating func select(_ key: UInt16) {
        rest = item(key & ~Self.writeRequest)[...]
    }

    private func item(_ key: UInt16) -> [UInt8] {
        switch key {
        case 0x00: Array("QEMU".utf8)  // FW_CFG_SIGNATURE
        case 0x01: Self.bytes(UInt32(1))  // FW_CFG_ID: the traditional interface and nothing else
        case 0x03: Self.bytes(ramSize)  // FW_CFG_RAM_SIZE
        case 0x05: Self.bytes(cpuCount)  // FW_CFG_NB_CPUS
        case 0x0F: Self.bytes(cpuCount)  // FW_CFG_MAX_CPUS
        case 0x19: Self.bytes(UInt32(0))  // FW_CFG_FILE_DIR: how many files there are
        default: []
        }
    }

    /// The next byte of the chosen item; 0 behind its end, and where there is no such item.
    package mutating func takeByte() -> UInt8 { rest.popFirst() ?? 0 }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(value)
        return bytes
    }
}
