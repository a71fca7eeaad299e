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

    /// What the guest would be given if its image were elsewhere.
    private(set) var covered: [CoveredTables] = []

    /// None for a guest in real mode, which has the first megabyte to itself, nor for a machine without interrupt controllers, whose guest
    /// has no use for them. Where the image has bytes of its own it wins.
    init(vcpuCount: Int, interrupts: InterruptControllers, devices: [DeviceSlot], boot: BootPlan) {
        guard interrupts != .none, boot.mode != .real else {
            (pieces, rsdp) = ([], nil)
            return
        }
        let machine = ACPITables.Machine(vcpuCount: vcpuCount, hasPICs: interrupts == .full, devices: devices)
        let mpTable = BootPlan.Piece(name: "MP table", bytes: MPTable.bytes(machine), at: LowMemory.mpTable)
        // Those of one kind need each other: all of them are given, or none.
        let kinds = [
            ("ACPI tables", ACPITables(machine).pieces), ("MP table", [mpTable]),
            ("BIOS data area", BIOSDataArea.pieces(devices)),
        ]
        var given: [BootPlan.Piece] = []
        for (name, tables) in kinds {
            if let covered = Self.firstCovered(name, tables, by: boot) {
                self.covered.append(covered)
            } else {
                given += tables
            }
        }
        pieces = given
        rsdp = given.contains { $0.address == ACPITables.rsdp } ? ACPITables.rsdp : nil
    }

    private static func firstCovered(
        _ name: String, _ tables: [BootPlan.Piece], by boot: BootPlan
    ) -> CoveredTables? {
        for table in tables {
            guard let part = boot.part(over: table) else { continue }
            return CoveredTables(name: name, address: table.address, imagePart: part.name)
        }
        return nil
    }
}

/// Tables of a PC's firmware that a guest looks for and is not given, as its image lies where they would be.
public struct CoveredTables: Equatable, Sendable {
    /// Such as "ACPI tables".
    public let name: String
    /// Of the first of them that is covered, guest-physical.
    public let address: UInt64
    /// The part of the image that lies there.
    public let imagePart: String
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
