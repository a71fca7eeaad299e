import DeviceModel

/// ACPI's tables of a machine (ACPI 6.5 section 5.2), in the part of the BIOS's memory where a guest looks for them. It is a machine
/// with a PC's fixed hardware: without it Linux would do without PICs and 8254, too.
struct ACPITables {
    /// Where the first of them is, which leads to the others (section 5.2.5.1).
    static let rsdp = LowMemory.acpi.lowerBound

    /// What there is to tell of a machine.
    struct Machine {
        let vcpuCount: Int
        let hasPICs: Bool
        let devices: [DeviceSlot]
    }

    private var next = rsdp + 64
    private(set) var pieces: [BootPlan.Piece] = []

    init(_ machine: Machine) {
        let facs = place(FACS.bytes, "FACS")
        let dsdt = place(DSDT(machine.devices).bytes, "DSDT")
        let roots = [place(FADT(facs: facs, dsdt: dsdt).bytes, "FACP"), place(MADT(machine).bytes, "APIC")]
        // Kernels that know ACPI 1.0 alone read the first of the two, with addresses of 32 bits.
        let short = roots.flatMap { littleEndian(UInt32(truncatingIfNeeded: $0)) }
        let rsdt = place(ACPITable.bytes("RSDT", revision: 1, short), "RSDT")
        let xsdt = place(ACPITable.bytes("XSDT", revision: 1, roots.flatMap { littleEndian($0) }), "XSDT")
        let root = Self.root(rsdt: rsdt, xsdt: xsdt)
        pieces.insert(BootPlan.Piece(name: "ACPI RSDP", bytes: root, at: Self.rsdp), at: 0)
    }

    /// Puts a table behind the others. The FACS wants 64 bytes (section 5.2.10); so they all have them.
    private mutating func place(_ bytes: [UInt8], _ name: String) -> UInt64 {
        let address = next
        pieces.append(BootPlan.Piece(name: "ACPI \(name)", bytes: bytes, at: address))
        next += (UInt64(bytes.count) + 63) & ~63
        return address
    }

    /// The root system description pointer, of revision 2, with a checksum for those who know the first 20 bytes alone and one of the
    /// whole (section 5.2.5.3).
    private static func root(rsdt: UInt64, xsdt: UInt64) -> [UInt8] {
        var bytes = Array("RSD PTR ".utf8) + [0] + ACPITable.maker + [2]
        bytes += littleEndian(UInt32(truncatingIfNeeded: rsdt))
        bytes[8] = ACPITable.checksum(bytes)
        bytes += littleEndian(UInt32(36)) + littleEndian(xsdt) + [0, 0, 0, 0]
        bytes[32] = ACPITable.checksum(bytes)
        return bytes
    }
}

/// The multiple APIC description table: processors and interrupt controllers (ACPI 6.5 section 5.2.12).
struct MADT {
    private let machine: ACPITables.Machine

    init(_ machine: ACPITables.Machine) { self.machine = machine }

    var bytes: [UInt8] {
        var body = littleEndian(UInt32(truncatingIfNeeded: HighMemory.localAPIC))
        body += littleEndian(UInt32(machine.hasPICs ? 1 : 0))  // PCAT_COMPAT
        for index in 0..<machine.vcpuCount {
            // Processor local APIC: its number twice, enabled.
            body += [0, 8, UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: index), 1, 0, 0, 0]
        }
        // I/O APIC, by the number that its register has, from GSI 0 on.
        body += [1, 12, 0, 0] + littleEndian(UInt32(truncatingIfNeeded: HighMemory.ioAPIC)) + [0, 0, 0, 0]
        // Interrupt source override: ISA's IRQ 9 stays where it is, and is active-high and level-triggered. IRQ 0 needs none: KVM's 8254
        // is at pin 0.
        body += [2, 10, 0, UInt8(GSI.sci)] + littleEndian(GSI.sci) + littleEndian(UInt16(0xD))
        // Local APIC NMI: LINT1 of all.
        body += [4, 6, 0xFF, 0, 0, 1]
        return ACPITable.bytes("APIC", revision: 5, body)
    }
}

/// What tables have in common (ACPI 6.5 section 5.2.6).
enum ACPITable {
    /// The OEM ID.
    static let maker = Array("SWIFTV".utf8)

    /// A table with its header.
    static func bytes(_ signature: String, revision: UInt8, _ body: [UInt8]) -> [UInt8] {
        var bytes = Array(signature.utf8) + littleEndian(UInt32(36 + body.count)) + [revision, 0]
        bytes += maker + "SWIFTVMM".utf8 + littleEndian(UInt32(1))  // OEM table ID and revision
        bytes += "SVMM".utf8 + littleEndian(UInt32(1))  // what made it
        bytes += body
        bytes[9] = checksum(bytes)
        return bytes
    }

    /// What makes the sum of all bytes 0, where it is not there yet.
    static func checksum(_ bytes: [UInt8]) -> UInt8 { 0 &- bytes.reduce(0, &+) }
}
