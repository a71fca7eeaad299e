/// Which bits of the registers have a meaning, and to whom.
enum EntryBits {
    // CR4 (Intel SDM vol. 3A section 2.5; AMD APM vol. 2 section 3.1.3).
    static let la57: UInt64 = 1 << 12
    static let pcide: UInt64 = 1 << 17
    static let cet: UInt64 = 1 << 23
    /// VME to OSXMMEXCPT, UMIP, LA57, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, PKE, CET.
    static let cr4OfBoth: UInt64 = 0x1FFF | 1 << 16 | pcide | 1 << 18 | 1 << 20 | 1 << 21 | 1 << 22 | cet
    /// VMXE, SMXE, KL, PKS, UINTR, LASS, LAM_SUP, FRED.
    static let cr4OfIntel: UInt64 = 1 << 13 | 1 << 14 | 1 << 19 | 1 << 24 | 1 << 25 | 1 << 27 | 1 << 28 | 1 << 32

    // EFER (Intel SDM vol. 3A section 2.2.1; AMD APM vol. 2 section 3.1.7).
    /// SCE, LME, LMA, NXE.
    static let eferOfBoth: UInt64 = 1 << 0 | 1 << 8 | 1 << 10 | 1 << 11
    /// SVME, LMSLE, FFXSR, TCE, MCOMMIT, INTWB, UAIE, AIBRSE.
    static let eferOfAMD: UInt64 = 0xF << 12 | 1 << 17 | 1 << 18 | 1 << 20 | 1 << 21

    // IA32_APIC_BASE (Intel SDM vol. 3A section 11.4.4).
    static let x2APIC: UInt64 = 1 << 10
    static let apicEnable: UInt64 = 1 << 11
    static let apicReserved: UInt64 = 0xFF | 1 << 9

    /// Bits 63 to 22, 15, 5 and 3 (Intel SDM vol. 3C section 27.3.1.4).
    static let flagsReserved: UInt64 = UInt64.max << 22 | 1 << 15 | 1 << 5 | 1 << 3

    /// `is 0x8020, with bit 15 set`: a register's value and those of its bits that are the trouble; nil without any.
    static func finding(_ value: UInt64, trouble: UInt64) -> String? {
        let bits = value & trouble
        return bits == 0 ? nil : "is \(hex(value)), with \(names(of: bits)) set"
    }

    /// `bit 3`, `bits 3, 5, 22-63`.
    static func names(of bits: UInt64) -> String {
        var runs: [String] = []
        var first: Int?
        for bit in 0...64 {
            let isSet = bits >> UInt64(bit) & 1 != 0
            if isSet, first == nil { first = bit }
            if !isSet, let start = first {
                runs.append(start == bit - 1 ? "\(start)" : "\(start)-\(bit - 1)")
                first = nil
            }
        }
        return (bits.nonzeroBitCount == 1 ? "bit " : "bits ") + runs.joined(separator: ", ")
    }
}
