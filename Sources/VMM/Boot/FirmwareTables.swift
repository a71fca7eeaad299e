import DeviceModel

/// What a PC's firmware leaves in memory for a kernel to find the machine by: ACPI's tables, Intel's MP table and a few words of the BIOS
/// data area.
struct FirmwareTables {
    let pieces: [BootPlan.Piece]
    /// Where ACPI begins, guest-physical; nil where there is none.
    let rsdp: UInt64?
    /// What stands there.
    var rsdpBytes: [UInt8] {
        if case .bytes(let bytes)? = pieces.first(where: { $0.address == rsdp })?.content { bytes } else { [] }
    }

    /// None for a guest in real mode, which has the first megabyte to itself, nor for a machine without interrupt controllers, whose guest
    /// has no use for them. Where the image has bytes of its own it wins.
    init(vcpuCount: Int, interrupts: InterruptControllers, devices: [DeviceSlot], boot: BootPlan) {
        guard interrupts != .none, boot.mode != .real else {
            (pieces, rsdp) = ([], nil)
            return
        }
        let machine = ACPITables.Machine(vcpuCount: vcpuCount, hasPICs: interrupts == .full, devices: devices)
        let acpi = Self.unlessCovered(ACPITables(machine).pieces, by: boot)
        let mpTable = BootPlan.Piece(name: "MP table", bytes: MPTable.bytes(machine), at: LowMemory.mpTable)
        pieces =
            acpi + Self.unlessCovered([mpTable], by: boot) + Self.unlessCovered(BIOSDataArea.pieces(devices), by: boot)
        rsdp = acpi.isEmpty ? nil : ACPITables.rsdp
    }

    /// All of the pieces, which need each other, or none.
    private static func unlessCovered(_ pieces: [BootPlan.Piece], by boot: BootPlan) -> [BootPlan.Piece] {
        pieces.contains(where: boot.covers) ? [] : pieces
    }
}

/// The words of a PC's BIOS data area by which old kernels find its memory and its serial ports (IBM PC/AT Technical Reference, "ROM BIOS
/// data areas"), and the area that they lead to.
private enum BIOSDataArea {
    static func pieces(_ devices: [DeviceSlot]) -> [BootPlan.Piece] {
        let extended = LowMemory.biosArea.lowerBound
        var area = [UInt8](repeating: 0, count: 0x15)
        for (index, ports) in [Ports.com1, Ports.com2].enumerated()
        where devices.contains(where: { $0.kind == .uart && $0.ranges == [.ports(ports)] }) {
            area.storeLittleEndian(ports.lowerBound, at: index * 2)
        }
        area.storeLittleEndian(UInt16(truncatingIfNeeded: extended >> 4), at: 0x0E)
        area.storeLittleEndian(UInt16(truncatingIfNeeded: extended >> 10), at: 0x13)  // KiB of RAM below it
        return [
            BootPlan.Piece(name: "BIOS data area", bytes: area, at: LowMemory.biosDataArea),
            // In its first byte the extended area's size in KiB.
            BootPlan.Piece(name: "extended BIOS data area", bytes: [1], at: extended),
        ]
    }
}

extension MachinePlan {
    /// Where a guest finds ACPI's tables, guest-physical; nil where it has none: in real mode, without interrupt controllers, and where
    /// its image lies there.
    public var rsdp: UInt64? { acpiTables.first?.address }

    /// ACPI's tables as they are placed, the RSDP first.
    public var acpiTables: [BootPlan.Piece] {
        boot.pieces.filter { piece in
            if case .bytes = piece.content { LowMemory.acpi.contains(piece.address) } else { false }
        }
    }
}
