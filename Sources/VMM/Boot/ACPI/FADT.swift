import DeviceModel

/// The fixed ACPI description table: where a PC's power management is, and which of a PC's old parts there are (ACPI 6.5 section 5.2.9).
struct FADT {
    /// Of the firmware's control structure and of the table of devices.
    let facs, dsdt: UInt64

    private static let size = 276
    /// The chips of an ISA bus are there; no VGA, and no keyboard controller with a keyboard: without one Linux need not look
    /// (IAPC_BOOT_ARCH, table 5.11).
    private static let bootArchitecture: UInt16 = 1 << 0 | 1 << 2
    /// WBINVD works, C1 is there for each processor, the sleep button and the clock's alarm are no fixed hardware (the power button is),
    /// the timer has 32 bits, there is a reset register (table 5.10).
    private static let flags: UInt32 = 1 << 0 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 10

    var bytes: [UInt8] {
        var table = [UInt8](repeating: 0, count: Self.size)
        table.storeLittleEndian(UInt32(truncatingIfNeeded: facs), at: 36)
        table.storeLittleEndian(UInt32(truncatingIfNeeded: dsdt), at: 40)
        table.storeLittleEndian(UInt16(GSI.sci), at: 46)
        // Offsets from the start of the block (section 4.8.3).
        storeBlock(at: 56, length: 88, extended: 148, from: 0, size: 4, accessSize: 2, in: &table)  // PM1a event
        storeBlock(at: 64, length: 89, extended: 172, from: 4, size: 2, accessSize: 2, in: &table)  // PM1a control
        storeBlock(at: 76, length: 91, extended: 208, from: 8, size: 4, accessSize: 3, in: &table)  // PM timer
        // Above 100 and 1000 microseconds: no C2 and no C3.
        table.storeLittleEndian(UInt16(0xFFF), at: 96)
        table.storeLittleEndian(UInt16(0xFFF), at: 98)
        table[108] = CMOSRegisters.century
        table.storeLittleEndian(Self.bootArchitecture, at: 109)
        table.storeLittleEndian(Self.flags, at: 112)
        Self.storeAddress(Ports.resetControl, size: 1, accessSize: 1, at: 116, in: &table)
        table[128] = 6  // a hard reset
        table[131] = 5  // of ACPI 6.5
        table.storeLittleEndian(dsdt, at: 140)
        // The FACS's long address stays 0: its short one is there.
        return ACPITable.bytes("FACP", revision: 6, Array(table[36...]))
    }

    /// The place of a register block, in the short form and the long one.
    private func storeBlock(
        at short: Int, length: Int, extended: Int, from offset: UInt16, size: UInt8, accessSize: UInt8,
        in table: inout [UInt8]
    ) {
        let port = Ports.powerManagement.lowerBound + offset
        table.storeLittleEndian(UInt32(port), at: short)
        table[length] = size
        Self.storeAddress(port, size: size, accessSize: accessSize, at: extended, in: &table)
    }

    /// A generic address structure of a port (section 5.2.3.2).
    private static func storeAddress(
        _ port: UInt16, size: UInt8, accessSize: UInt8, at offset: Int, in table: inout [UInt8]
    ) {
        table[offset] = 1
        table[offset + 1] = size * 8
        table[offset + 3] = accessSize
        table.storeLittleEndian(UInt64(port), at: offset + 4)
    }
}

/// The firmware ACPI control structure: the global lock, of which the firmware wants nothing, and no way to wake up
/// (ACPI 6.5 section 5.2.10).
enum FACS {
    static let bytes: [UInt8] = {
        var bytes = Array("FACS".utf8) + littleEndian(UInt32(64)) + [UInt8](repeating: 0, count: 56)
        bytes[32] = 2
        return bytes
    }()
}
