import KVM

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
