import DeviceModel

/// Intel's MultiProcessor tables, for kernels older than ACPI or built without it (MultiProcessor Specification 1.4, chapter 4): a floating
/// pointer and, behind it, the configuration table.
enum MPTable {
    /// What one interrupt line says, where it is not as the bus has it: active-high, level-triggered (table 4-10).
    private static let levelHigh: UInt16 = 0xD

    /// For the place that the pointer names, ``LowMemory/mpTable``.
    static func bytes(_ machine: ACPITables.Machine) -> [UInt8] {
        let table = LowMemory.mpTable + 16
        // One paragraph long, version 1.4, a table is there; no IMCR: virtual wire mode (section 4.1).
        var pointer = Array("_MP_".utf8) + littleEndian(UInt32(truncatingIfNeeded: table)) + [1, 4, 0, 0, 0, 0, 0, 0]
        pointer[10] = ACPITable.checksum(pointer)
        return pointer + configuration(machine)
    }

    private static func configuration(_ machine: ACPITables.Machine) -> [UInt8] {
        let entries = processors(machine.vcpuCount) + [isaBus, ioAPIC] + interrupts(machine)
        let content = Array(entries.joined())
        var table = Array("PCMP".utf8) + littleEndian(UInt16(44 + content.count)) + [4, 0]
        table += "SWIFTVMM".utf8
        table += "swiftvmm    ".utf8
        // No table of the maker's.
        table += [0, 0, 0, 0, 0, 0] + littleEndian(UInt16(entries.count))
        table += littleEndian(UInt32(truncatingIfNeeded: HighMemory.localAPIC)) + [0, 0, 0, 0]
        table += content
        table[7] = ACPITable.checksum(table)
        return table
    }

    /// Enabled, the first one the boot processor; the least that a processor with a local APIC is: family 6, FPU and APIC
    /// (section 4.3.1).
    private static func processors(_ count: Int) -> [[UInt8]] {
        (0..<count).map { index in
            [0, UInt8(truncatingIfNeeded: index), 0x14, index == 0 ? 3 : 1] + littleEndian(UInt32(0x600))
                + littleEndian(UInt32(0x201)) + [0, 0, 0, 0, 0, 0, 0, 0]
        }
    }

    private static let isaBus: [UInt8] = [1, 0] + "ISA   ".utf8
    /// By the number and the version that its registers have, usable.
    private static let ioAPIC: [UInt8] =
        [2, 0, 0x11, 1] + littleEndian(UInt32(truncatingIfNeeded: HighMemory.ioAPIC))

    /// ISA's lines, each at the pin of its number, but for the second PIC's at line 2; those of virtio devices beyond ISA's count as
    /// ISA's, for want of another bus. Then what is at the local APICs' LINT0, the PICs, and at LINT1, the NMI (sections 4.3.4, 4.3.5).
    private static func interrupts(_ machine: ACPITables.Machine) -> [[UInt8]] {
        var virtioLines: Set<UInt32> = []
        for slot in machine.devices {
            if case .virtio = slot.kind, let gsi = slot.gsi { virtioLines.insert(gsi) }
        }
        let legacy = (0..<UInt32(16)).filter { $0 != 2 && ($0 != 0 || machine.hasPICs) }
        let lines = legacy + virtioLines.filter { $0 >= 16 }.sorted()
        var entries = lines.map { line -> [UInt8] in
            let isLevel = line == GSI.sci || virtioLines.contains(line)
            let number = UInt8(truncatingIfNeeded: line)
            return [3, 0] + littleEndian(isLevel ? levelHigh : 0) + [0, number, 0, number]
        }
        if machine.hasPICs { entries.append([4, 3, 0, 0, 0, 0, 0, 0]) }
        entries.append([4, 1, 0, 0, 0, 0, 0xFF, 1])
        return entries
    }
}
