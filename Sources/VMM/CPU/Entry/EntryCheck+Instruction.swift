import KVM

/// GDTR and IDTR (Intel SDM vol. 3C section 27.3.1.3), RIP and RFLAGS (section 27.3.1.4).
extension EntryCheck {
    static let descriptorTables: [EntryCheck] = [
        EntryCheck("GDTR", .vtx("27.3.1.3", "it must be canonical")) { cpu in
            cpu.isCanonical(cpu.special.gdt.base) ? nil : "has base \(hex(cpu.special.gdt.base))"
        },
        EntryCheck("IDTR", .vtx("27.3.1.3", "it must be canonical")) { cpu in
            cpu.isCanonical(cpu.special.idt.base) ? nil : "has base \(hex(cpu.special.idt.base))"
        },
    ]

    /// The manual leaves the highest bit that an address has out of its comparison, so that the first address past the
    /// lower half is entered; fetching there faults at once.
    static let instructionPointer: [EntryCheck] = [
        EntryCheck("RIP", .vtx("27.3.1.4", "outside 64-bit code its bits 63 to 32 must be zero")) { cpu in
            cpu.is64Bit || cpu.registers.rip >> 32 == 0 ? nil : "is \(hex(cpu.registers.rip))"
        },
        EntryCheck("RIP", .vtx("27.3.1.4", "in 64-bit code it must be canonical")) { cpu in
            !cpu.is64Bit || cpu.isCanonical(cpu.registers.rip) ? nil : "is \(hex(cpu.registers.rip))"
        },
    ]

    /// Bit 1, which must be 1, is KVM's care.
    static let flags: [EntryCheck] = [
        EntryCheck("RFLAGS", .vtx("27.3.1.4", "reserved bits must be zero")) { cpu in
            EntryBits.finding(cpu.registers.rflags.rawValue, trouble: EntryBits.flagsReserved)
        },
        EntryCheck("RFLAGS", .vtx("27.3.1.4", "virtual-8086 mode (VM) needs protection and no long mode")) { cpu in
            cpu.isReal || cpu.isLong
                ? EntryBits.finding(cpu.registers.rflags.rawValue, trouble: Flags.virtual8086.rawValue) : nil
        },
    ]
}
