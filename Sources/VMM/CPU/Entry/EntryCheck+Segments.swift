import DeviceModel
import KVM

/// Selectors and bases, and all of virtual-8086 mode (Intel SDM vol. 3C section 27.3.1.2).
extension EntryCheck {
    /// What no descriptor can hold; KVM drops the surplus bits without a word.
    static let descriptorFields: [[EntryCheck]] = [
        each(EntrySegment.all, .architecture("3.4.5", "a descriptor's type has four bits")) { segment, _ in
            segment.isUsable && segment.type > 15 ? "has type \(segment.type)" : nil
        },
        each(EntrySegment.all, .architecture("3.4.5", "a privilege level is 0 to 3")) { segment, _ in
            segment.isUsable && segment.privilegeLevel > 3 ? "has privilege level \(segment.privilegeLevel)" : nil
        },
    ]

    static let selectors: [[EntryCheck]] = [
        each([.tr], .vtx("27.3.1.2", "it must not be in the local descriptor table")) { segment, _ in
            segment.isInLocalTable ? "has selector \(hex(segment.selector))" : nil
        },
        each([.ldtr], .vtx("27.3.1.2", "it must not be in a local descriptor table itself")) { segment, _ in
            segment.isUsable && segment.isInLocalTable ? "has selector \(hex(segment.selector))" : nil
        },
        each([.ss], .vtx("27.3.1.2", "outside real mode both must have the same RPL")) { segment, cpu in
            guard cpu.hasPrivilege, segment.requestedPrivilege != cpu[.cs].requestedPrivilege else { return nil }
            return "has selector \(hex(segment.selector)) while CS has \(hex(cpu[.cs].selector))"
        },
    ]

    static let bases: [[EntryCheck]] = [
        each(EntrySegment.codeAndData, paragraph, finding: paragraphFinding),
        each([.tr, .fs, .gs], .vtx("27.3.1.2", "it must be canonical")) { segment, cpu in
            cpu.isCanonical(segment.base) ? nil : "has base \(hex(segment.base))"
        },
        each([.ldtr], .vtx("27.3.1.2", "it must be canonical")) { segment, cpu in
            cpu.isCanonical(segment.base) || !segment.isUsable ? nil : "has base \(hex(segment.base))"
        },
        each([.cs], .vtx("27.3.1.2", "bits 63 to 32 must be zero")) { segment, _ in
            segment.base >> 32 == 0 ? nil : "has base \(hex(segment.base))"
        },
        each([.ss, .ds, .es], .vtx("27.3.1.2", "bits 63 to 32 must be zero")) { segment, _ in
            segment.base >> 32 == 0 || !segment.isUsable ? nil : "has base \(hex(segment.base))"
        },
    ]

    /// In real mode too: where VT-x lacks unrestricted guest, KVM enters it as virtual-8086 mode and makes a selector
    /// that fits the base, which is not the state that was asked for.
    private static let paragraph = EntryRule.vtx(
        "27.3.1.2", "in real and virtual-8086 mode the base must be 16 times the selector")

    @Sendable private static func paragraphFinding(_ segment: Segment, _ cpu: EntryContext) -> String? {
        guard cpu.isVirtual8086 || cpu.isReal && segment.isUsable else { return nil }
        guard segment.base != UInt64(segment.selector) << 4 else { return nil }
        return "has base \(hex(segment.base)) and selector \(hex(segment.selector))"
    }

    /// Limits and access rights of virtual-8086 mode; those of real mode are KVM's care.
    static let virtual8086: [[EntryCheck]] = [
        each(EntrySegment.codeAndData, .vtx("27.3.1.2", "in virtual-8086 mode it must be 0xffff")) { segment, cpu in
            cpu.isVirtual8086 && segment.limit != 0xFFFF ? "has limit \(hex(segment.limit))" : nil
        },
        each(
            EntrySegment.codeAndData,
            .vtx("27.3.1.2", "in virtual-8086 mode they must be 0xf3: accessed read/write data, present, level 3")
        ) { segment, cpu in
            cpu.isVirtual8086 && segment.accessRights != 0xF3
                ? "has access rights \(hex(segment.accessRights))" : nil
        },
    ]
}

/// Access rights of CS and SS outside virtual-8086 mode (Intel SDM vol. 3C section 27.3.1.2).
extension EntryCheck {
    static let codeSegment: [[EntryCheck]] = [
        each([.cs], .vtx("27.3.1.2", "it must always hold a present segment")) { segment, cpu in
            cpu.isVirtual8086 || segment.isUsable ? nil : segment.isUnusable ? "is unusable" : "is not present"
        },
        each([.cs], .vtx("27.3.1.2", "outside real mode it must be accessed code: 9, 11, 13 or 15")) { segment, cpu in
            cpu.hasPrivilege && !(segment.isCode && segment.isAccessed) ? "has type \(segment.type)" : nil
        },
        each(
            [.cs], .vtx("27.3.1.2", "in real mode it must be accessed: code (9, 11, 13, 15) or writable data (3)")
        ) { segment, cpu in
            guard cpu.isReal, segment.type != 3, !(segment.isCode && segment.isAccessed) else { return nil }
            return "has type \(segment.type)"
        },
        each([.cs], .vtx("27.3.1.2", "it must be code or data")) { segment, cpu in
            cpu.isVirtual8086 || segment.isCodeOrData ? nil : "is a system segment"
        },
        each([.cs], .both("27.3.1.2", "64-bit code (L) must not be 32-bit code (D) as well")) { segment, cpu in
            cpu.is64Bit && segment.is32Bit ? "has L and D set" : nil
        },
        each([.cs], .architecture("3.4.5", "64-bit code needs long mode")) { segment, cpu in
            !cpu.isLong && segment.isLong ? "has L set" : nil
        },
    ]

    static let codePrivilege: [[EntryCheck]] = [
        each([.cs], .vtx("27.3.1.2", "a data segment as code must have 0")) { segment, cpu in
            cpu.isReal && segment.type == 3 && segment.privilegeLevel != 0
                ? "has privilege level \(segment.privilegeLevel)" : nil
        },
        each([.cs], .vtx("27.3.1.2", "non-conforming code must have that of SS")) { segment, cpu in
            guard !cpu.isVirtual8086, segment.isCode, !segment.isConforming,
                segment.privilegeLevel != cpu[.ss].privilegeLevel
            else { return nil }
            return "has privilege level \(segment.privilegeLevel) while SS has \(cpu[.ss].privilegeLevel)"
        },
        each([.cs], .vtx("27.3.1.2", "conforming code must not have more than SS")) { segment, cpu in
            guard !cpu.isVirtual8086, segment.isConforming, segment.privilegeLevel > cpu[.ss].privilegeLevel
            else { return nil }
            return "has privilege level \(segment.privilegeLevel) while SS has \(cpu[.ss].privilegeLevel)"
        },
    ]

    static let stackSegment: [[EntryCheck]] = [
        each([.ss], .vtx("27.3.1.2", "it must be accessed read/write data: 3, or 7 where it expands down")) {
            segment, cpu in
            guard !cpu.isVirtual8086, segment.isUsable, segment.type != 3, segment.type != 7 else { return nil }
            return "has type \(segment.type)"
        },
        each([.ss], .vtx("27.3.1.2", "it must be data")) { segment, cpu in
            cpu.isVirtual8086 || !segment.isUsable || segment.isCodeOrData ? nil : "is a system segment"
        },
        each([.ss], .vtx("27.3.1.2", "in real mode it must be 0")) { segment, cpu in
            cpu.isReal && segment.privilegeLevel != 0 ? "has privilege level \(segment.privilegeLevel)" : nil
        },
        each([.ss], .vtx("27.3.1.2", "outside real mode it must be the selector's RPL")) { segment, cpu in
            guard cpu.hasPrivilege, segment.privilegeLevel != segment.requestedPrivilege else { return nil }
            return "has privilege level \(segment.privilegeLevel) and selector \(hex(segment.selector))"
        },
    ]
}

/// Access rights of DS, ES, FS and GS, and the limits of all segments, outside virtual-8086 mode (Intel SDM vol. 3C
/// section 27.3.1.2).
extension EntryCheck {
    static let dataSegments: [[EntryCheck]] = [
        each(EntrySegment.data, .vtx("27.3.1.2", "a usable segment must be accessed, an odd type")) { segment, cpu in
            applies(to: segment, cpu) && !segment.isAccessed ? "has type \(segment.type)" : nil
        },
        each(EntrySegment.data, .vtx("27.3.1.2", "a code segment as data must be readable: 11 or 15")) {
            segment, cpu in
            applies(to: segment, cpu) && segment.isCode && segment.type & 2 == 0 ? "has type \(segment.type)" : nil
        },
        each(EntrySegment.data, .vtx("27.3.1.2", "a usable segment must be code or data")) { segment, cpu in
            applies(to: segment, cpu) && !segment.isCodeOrData ? "is a system segment" : nil
        },
        each(
            EntrySegment.data, .vtx("27.3.1.2", "outside real mode it must not be less than the selector's RPL")
        ) { segment, cpu in
            guard applies(to: segment, cpu), cpu.hasPrivilege, !segment.isConforming,
                segment.privilegeLevel < segment.requestedPrivilege
            else { return nil }
            return "has privilege level \(segment.privilegeLevel) and selector \(hex(segment.selector))"
        },
    ]

    static let granularity =
        limits(of: EntrySegment.codeAndData) { applies(to: $0, $1) }
        + limits(of: [.tr, .ldtr]) { segment, _ in segment.isUsable }

    private static func limits(
        of registers: [EntrySegment], where applies: @escaping @Sendable (Segment, EntryContext) -> Bool
    ) -> [[EntryCheck]] {
        [
            each(registers, .vtx("27.3.1.2", "one above 0xfffff must be counted in pages (G)")) { segment, cpu in
                guard applies(segment, cpu), segment.limit > 0xF_FFFF, !segment.hasPageGranularity
                else { return nil }
                return "has limit \(hex(segment.limit)) counted in bytes"
            },
            each(registers, .vtx("27.3.1.2", "one in pages (G) must end in 0xfff")) { segment, cpu in
                guard applies(segment, cpu), segment.limit & 0xFFF != 0xFFF, segment.hasPageGranularity
                else { return nil }
                return "has limit \(hex(segment.limit)) counted in pages"
            },
        ]
    }

    @Sendable private static func applies(to segment: Segment, _ cpu: EntryContext) -> Bool {
        segment.isUsable && !cpu.isVirtual8086
    }
}

/// TR and LDTR (Intel SDM vol. 3C section 27.3.1.2), in every mode: where KVM makes virtual-8086 mode of real mode it
/// has a task-state segment of its own, but VT-x with unrestricted guest takes the one given.
extension EntryCheck {
    static let taskRegister: [[EntryCheck]] = [
        each([.tr], .vtx("27.3.1.2", "in long mode it must be a busy 64-bit TSS, type 11")) { segment, cpu in
            cpu.isLong && segment.type != 11 ? "has type \(segment.type)" : nil
        },
        each([.tr], .vtx("27.3.1.2", "it must be a busy TSS: 3 (16-bit) or 11 (32-bit)")) { segment, cpu in
            cpu.isLong || segment.type == 3 || segment.type == 11 ? nil : "has type \(segment.type)"
        },
        each([.tr], .vtx("27.3.1.2", "it must be a system segment")) { segment, _ in
            segment.isCodeOrData ? "is a code or data segment" : nil
        },
        each([.tr], .vtx("27.3.1.2", "it must always hold a present segment")) { segment, _ in
            segment.isUsable ? nil : segment.isUnusable ? "is unusable" : "is not present"
        },
    ]

    static let localTable: [[EntryCheck]] = [
        each([.ldtr], .vtx("27.3.1.2", "it must be a local descriptor table, type 2, or be unusable")) { segment, _ in
            segment.isUsable && segment.type != 2 ? "has type \(segment.type)" : nil
        },
        each([.ldtr], .vtx("27.3.1.2", "it must be a system segment")) { segment, _ in
            segment.isUsable && segment.isCodeOrData ? "is a code or data segment" : nil
        },
    ]
}
