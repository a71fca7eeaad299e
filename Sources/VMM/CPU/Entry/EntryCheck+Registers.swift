import DeviceModel
import KVM

/// CR0, CR3, CR4 and CR8 (Intel SDM vol. 3C section 27.3.1.1).
///
/// Reserved bits of CR0 below 32, ET and NE have no rule: an entry ignores the first two, KVM sets the last.
extension EntryCheck {
    static let controlRegisters: [EntryCheck] = [
        EntryCheck("CR0", .both("27.3.1.1", "bits 63 to 32 must be zero")) { cpu in
            EntryBits.finding(cpu.special.cr0.rawValue, trouble: UInt64.max << 32)
        },
        EntryCheck("CR0", .architecture("2.5", "paging (PG) needs protection (PE)")) { cpu in
            cpu.hasPaging && cpu.isReal ? "is \(hex(cpu.special.cr0.rawValue))" : nil
        },
        EntryCheck("CR0", .amdv("NW may be set only where CD is")) { cpu in
            cpu.special.cr0.isDisjoint(with: .notWriteThrough) || cpu.special.cr0.contains(.cacheDisable)
                ? nil : "is \(hex(cpu.special.cr0.rawValue))"
        },
        EntryCheck("CR3", .both("27.3.1.1", "bits beyond the physical address must be zero")) { cpu in
            EntryBits.finding(cpu.special.cr3, trouble: cpu.beyondPhysicalAddress)
        },
        EntryCheck("CR4", .both("27.3.1.1", "reserved bits must be zero")) { cpu in
            EntryBits.finding(cpu.special.cr4.rawValue, trouble: ~(EntryBits.cr4OfBoth | EntryBits.cr4OfIntel))
        },
        EntryCheck("CR4", .amdv("bits that only Intel defines must be zero, or AMD-V refuses them")) { cpu in
            EntryBits.finding(cpu.special.cr4.rawValue, trouble: EntryBits.cr4OfIntel)
        },
        EntryCheck("CR4", .both("27.3.1.1", "long mode needs PAE")) { cpu in
            let wantsLong = cpu.isLong || cpu.hasPaging && cpu.special.efer.contains(.longModeEnable)
            return wantsLong && !cpu.special.cr4.contains(.physicalAddressExtension)
                ? "is \(hex(cpu.special.cr4.rawValue))" : nil
        },
        EntryCheck("CR4", .vtx("27.3.1.1", "PCIDE needs long mode")) { cpu in
            cpu.isLong ? nil : EntryBits.finding(cpu.special.cr4.rawValue, trouble: EntryBits.pcide)
        },
        EntryCheck("CR4", .both("27.3.1.1", "CET needs write protection, CR0.WP")) { cpu in
            cpu.special.cr0.contains(.writeProtect)
                ? nil : EntryBits.finding(cpu.special.cr4.rawValue, trouble: EntryBits.cet)
        },
        EntryCheck("CR8", .architecture("2.5", "a task priority is 0 to 15")) { cpu in
            cpu.special.cr8 > 15 ? "is \(hex(cpu.special.cr8))" : nil
        },
    ]

    /// EFER and IA32_APIC_BASE (the former in the same section).
    static let featureRegisters: [EntryCheck] = [
        EntryCheck("EFER", .both("27.3.1.1", "reserved bits must be zero")) { cpu in
            EntryBits.finding(cpu.special.efer.rawValue, trouble: ~(EntryBits.eferOfBoth | EntryBits.eferOfAMD))
        },
        EntryCheck("EFER", .vtx("27.3.1.1", "bits that only AMD defines must be zero, or VT-x refuses them")) { cpu in
            EntryBits.finding(cpu.special.efer.rawValue, trouble: EntryBits.eferOfAMD)
        },
        EntryCheck("EFER", .vtx("27.3.1.1", "LMA must be set where LME and CR0.PG are, and only there")) { cpu in
            let mustBeLong = cpu.hasPaging && cpu.special.efer.contains(.longModeEnable)
            guard cpu.isLong != mustBeLong else { return nil }
            return "is \(hex(cpu.special.efer.rawValue)) with paging \(cpu.hasPaging ? "on" : "off")"
        },
        EntryCheck("IA32_APIC_BASE", .architecture("11.4.4", "reserved bits must be zero")) { cpu in
            EntryBits.finding(
                cpu.special.apicBase, trouble: EntryBits.apicReserved | cpu.beyondPhysicalAddress)
        },
        EntryCheck("IA32_APIC_BASE", .architecture("11.4.4", "x2APIC mode needs the enable bit, 11")) { cpu in
            cpu.special.apicBase & EntryBits.apicEnable != 0
                ? nil : EntryBits.finding(cpu.special.apicBase, trouble: EntryBits.x2APIC)
        },
    ]
}

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
