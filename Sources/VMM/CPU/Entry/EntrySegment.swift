import KVM

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
