import KVM

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
