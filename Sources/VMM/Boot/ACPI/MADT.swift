import DeviceModel

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
