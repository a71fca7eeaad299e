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
