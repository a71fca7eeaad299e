import KVM

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
