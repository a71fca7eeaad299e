import DeviceModel
import KVM

/// A state with what the rules ask of it.
struct EntryContext: Sendable {
    let registers: GeneralRegisters
    let special: SpecialRegisters
    /// The bits that no physical address has.
    let beyondPhysicalAddress: UInt64

    init(_ state: CPUState, physicalAddressBits: Int) {
        registers = state.registers
        special = state.special
        beyondPhysicalAddress = UInt64.max << UInt64(min(max(physicalAddressBits, 32), 52))
    }

    subscript(_ register: EntrySegment) -> Segment { register.value(in: special) }

    var hasPaging: Bool { special.cr0.contains(.paging) }

    /// Without protection.
    var isReal: Bool { !special.cr0.contains(.protectionEnable) }

    /// Long mode, 64-bit or compatibility: what VT-x calls an IA-32e mode guest, and what KVM reads off EFER.LMA.
    var isLong: Bool { special.efer.contains(.longModeActive) }

    /// 64-bit code.
    var is64Bit: Bool { isLong && special.cs.isLong }

    var isVirtual8086: Bool { !isReal && !isLong && registers.rflags.contains(.virtual8086) }

    /// Protected or long mode, where selectors are what they are called. The rules on RPL hold there only: in real mode
    /// a VT-x host either has unrestricted guest, which lifts them, or enters virtual-8086 mode, which has no RPL.
    var hasPrivilege: Bool { !isReal && !isVirtual8086 }

    /// Whether an address is one that the processor can form: all bits above the highest one alike. A processor that
    /// can do with 57 bits is sure to be there only if CR4.LA57 turns them on.
    func isCanonical(_ address: UInt64) -> Bool {
        let unused: Int64 = special.cr4.rawValue & EntryBits.la57 != 0 ? 64 - 57 : 64 - 48
        let signed = Int64(bitPattern: address)
        return (signed << unused) >> unused == signed
    }
}

/// The segment registers, by the manuals' names.
enum EntrySegment: String, Sendable {
    case cs = "CS"
    case ss = "SS"
    case ds = "DS"
    case es = "ES"
    case fs = "FS"
    case gs = "GS"
    case tr = "TR"
    case ldtr = "LDTR"

    static let all: [EntrySegment] = codeAndData + [.tr, .ldtr]
    static let codeAndData: [EntrySegment] = [.cs, .ss] + data
    static let data: [EntrySegment] = [.ds, .es, .fs, .gs]

    func value(in special: SpecialRegisters) -> Segment {
        switch self {
        case .cs: special.cs
        case .ss: special.ss
        case .ds: special.ds
        case .es: special.es
        case .fs: special.fs
        case .gs: special.gs
        case .tr: special.tr
        case .ldtr: special.ldt
        }
    }
}

extension Segment {
    /// Whether VT-x sees a segment here: KVM marks one that is not present as unusable.
    var isUsable: Bool { isPresent && !isUnusable }

    var isCode: Bool { type & 8 != 0 }
    var isAccessed: Bool { type & 1 != 0 }
    /// A code segment in which the caller keeps its privilege.
    var isConforming: Bool { type & 12 == 12 }

    /// RPL, 0 to 3.
    var requestedPrivilege: UInt8 { UInt8(truncatingIfNeeded: selector & 3) }
    /// TI: the selector means the local descriptor table.
    var isInLocalTable: Bool { selector & 4 != 0 }

    /// The access rights as VT-x has them (Intel SDM vol. 3C table 25-2).
    var accessRights: UInt32 {
        let flags: [(Bool, UInt32)] = [
            (isCodeOrData, 4), (isPresent, 7), (isAvailable, 12), (isLong, 13), (is32Bit, 14), (hasPageGranularity, 15),
            (!isUsable, 16),
        ]
        return flags.reduce(UInt32(type & 15) | UInt32(privilegeLevel & 3) << 5) { $0 | ($1.0 ? 1 << $1.1 : 0) }
    }
}

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
