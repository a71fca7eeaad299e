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
