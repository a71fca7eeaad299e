import KVM

@testable import VMM

/// The manuals' rules, and their limits, that the measured table does not reach.
enum EntryCases {
    static let all = controlRegisters + features + segments + privilege + real + virtual8086 + instruction

    static let controlRegisters = [
        EntryCase("CR0: caches off", .long) { $0.special.cr0.formUnion([.cacheDisable, .notWriteThrough]) },
        EntryCase("CR0: ET clear, a reserved low bit set", .long) {
            $0.special.cr0.remove(.extensionType)
            $0.special.cr0.insert(ControlRegister0(rawValue: 1 << 10))
        },
        EntryCase("CR0: PG without PE in real mode", .real, refused: "CR0 is 0x80000010", by: .architecture) {
            $0.special.cr0.insert(.paging)
        },
        EntryCase("CR3: the highest bit of the widest address, and all low ones", .long) {
            $0.special.cr3 = 1 << 51 | 0xFFF
        },
        EntryCase("CR3: bit 52 without paging", .protected, refused: "CR3 is 0x10000000000000", by: .both) {
            $0.special.cr3 = 1 << 52
        },
        EntryCase("CR4: all bits that both manuals define", .long) {
            $0.special.cr4 = ControlRegister4(rawValue: 0xF7_1FFF)
        },
        EntryCase("CR4: bits 15, 26, 29 to 31 and 33 to 63", .long, refused: "bits 15, 26, 29-31, 33-63", by: .both) {
            $0.special.cr4 = ControlRegister4(rawValue: .max)
        },
        EntryCase("CR4: SMXE", .real, refused: "CR4 is 0x4000, with bit 14 set", by: .amdv) {
            $0.special.cr4 = ControlRegister4(rawValue: 1 << 14)
        },
        EntryCase("CR4: FRED", .long, refused: "with bit 32 set; bits that only Intel", by: .amdv) {
            $0.special.cr4.insert(ControlRegister4(rawValue: 1 << 32))
        },
        EntryCase("CR4: no PAE, LMA not yet set", .long, refused: "long mode needs PAE", by: .both) {
            $0.special.cr4 = []
            $0.special.efer = [.longModeEnable]
        },
        EntryCase("CR4: PCIDE in protected mode", .protected, refused: "PCIDE needs long mode") {
            $0.special.cr4 = ControlRegister4(rawValue: 1 << 17)
        },
        EntryCase("CR4: CET without WP", .long, refused: "CET needs write protection", by: .both) {
            $0.special.cr4.insert(ControlRegister4(rawValue: 1 << 23))
            $0.special.cr0.remove(.writeProtect)
        },
        EntryCase("CR8: the highest priority", .long) { $0.special.cr8 = 15 },
        EntryCase("CR8: one more", .long, refused: "CR8 is 0x10", by: .architecture) { $0.special.cr8 = 16 },
        EntryCase("32-bit paging", .protected) { $0.special.cr0.insert(.paging) },
        EntryCase("PAE paging", .protected) {
            $0.special.cr0.insert(.paging)
            $0.special.cr4.insert(.physicalAddressExtension)
        },
    ]

    static let features = [
        EntryCase("EFER: SCE and NXE", .protected) { $0.special.efer = [.syscall, .noExecute] },
        EntryCase("EFER: LME before paging", .protected) { $0.special.efer = [.longModeEnable] },
        EntryCase("EFER: LMA before paging", .protected, refused: "EFER is 0x500 with paging off") {
            $0.special.efer = [.longModeEnable, .longModeActive]
            $0.special.cr4 = [.physicalAddressExtension]
        },
        EntryCase("EFER: SVME", .long, refused: "with bit 12 set; bits that only AMD defines") {
            $0.special.efer.insert(ExtendedFeatures(rawValue: 1 << 12))
        },
        EntryCase("EFER: bit 63", .long, refused: "with bit 63 set; reserved bits", by: .both) {
            $0.special.efer.insert(ExtendedFeatures(rawValue: 1 << 63))
        },
        EntryCase("APIC base: enabled, boot processor", .long) { $0.special.apicBase = 0xFEE0_0900 },
        EntryCase("APIC base: x2APIC mode", .long) { $0.special.apicBase = 0xFEE0_0C00 },
        EntryCase("APIC base: x2APIC, not enabled", .long, refused: "x2APIC mode needs", by: .architecture) {
            $0.special.apicBase = 0xFEE0_0400
        },
        EntryCase("APIC base: bits 0, 9, 60", .long, refused: "with bits 0, 9, 60 set", by: .architecture) {
            $0.special.apicBase = 1 << 60 | 0xFEE0_0A01
        },
    ]

    static let segments = [
        EntryCase("TR: not present", .long, refused: "TR is not present") { $0.special.tr.isPresent = false },
        EntryCase("TR: not a system segment", .long, refused: "TR is a code or data segment") {
            $0.special.tr.isCodeOrData = true
        },
        EntryCase("TR: limit in pages", .protected, refused: "TR has limit 0x67 counted in pages") {
            $0.special.tr.hasPageGranularity = true
        },
        EntryCase("TR: 16-bit in protected mode", .protected) { $0.special.tr.type = 3 },
        EntryCase("TR: available in protected mode", .protected, refused: "TR has type 9; it must be a busy TSS") {
            $0.special.tr.type = 9
        },
        EntryCase("LDTR: a table", .long) { $0.special.ldt = .localTable },
        EntryCase("LDTR: unusable, and all else wrong", .long) {
            $0.special.ldt.selector = 0xFFFF
            $0.special.ldt.base = 1 << 62
            $0.special.ldt.limit = .max
            $0.special.ldt.type = 0xFF
        },
        EntryCase("LDTR: in a local table", .long, refused: "LDTR has selector 0x2c") {
            $0.special.ldt = .localTable
            $0.special.ldt.selector |= 4
        },
        EntryCase("LDTR: base not canonical", .long, refused: "LDTR has base 0x4000000000000000") {
            $0.special.ldt = .localTable
            $0.special.ldt.base = 1 << 62
        },
        EntryCase("LDTR: not a system segment", .long, refused: "LDTR is a code or data segment") {
            $0.special.ldt = .localTable
            $0.special.ldt.isCodeOrData = true
        },
        EntryCase("LDTR: limit above 1 MiB in bytes", .long, refused: "LDTR has limit 0x100000 counted in bytes") {
            $0.special.ldt = .localTable
            $0.special.ldt.limit = 0x10_0000
        },
        EntryCase("FS and GS: bases in the upper half", .long) {
            $0.special.fs.base = 0xFFFF_8000_0000_0000
            $0.special.gs.base = .max
        },
        EntryCase("GS: base not canonical, even if unusable", .long, refused: "GS has base 0x800000000000") {
            $0.special.gs.base = 1 << 47
            $0.special.gs.isUnusable = true
        },
        EntryCase("GS: a base of 57 bits, with LA57", .long) {
            $0.special.gs.base = 1 << 55
            $0.special.cr4.insert(ControlRegister4(rawValue: 1 << 12))
        },
        EntryCase("CS: base above 4 GiB", .long, refused: "CS has base 0x100000000") { $0.special.cs.base = 1 << 32 },
        EntryCase("SS: base above 4 GiB", .long, refused: "SS has base 0x100000000") { $0.special.ss.base = 1 << 32 },
        EntryCase("ES: base above 4 GiB, unusable", .long) {
            $0.special.es.base = 1 << 32
            $0.special.es.isUnusable = true
        },
        EntryCase("CS: unusable", .long, refused: "CS is unusable") { $0.special.cs.isUnusable = true },
        EntryCase("CS: execute-only", .protected) { $0.special.cs.type = 9 },
        EntryCase("CS: compatibility mode", .long) {
            $0.special.cs.isLong = false
            $0.special.cs.is32Bit = true
        },
        EntryCase("CS: 64-bit outside long mode", .protected, refused: "CS has L set", by: .architecture) {
            $0.special.cs.isLong = true
        },
        EntryCase("SS: a system segment", .protected, refused: "SS is a system segment") {
            $0.special.ss.isCodeOrData = false
        },
        EntryCase("DS: a system segment", .protected, refused: "DS is a system segment") {
            $0.special.ds.isCodeOrData = false
        },
        EntryCase("ES: execute-only code", .protected, refused: "ES has type 9; a code segment as data") {
            $0.special.es.type = 9
        },
        EntryCase("ES: readable code, conforming, of lower level than RPL", .protected) {
            $0.special.es.type = 15
            $0.special.es.selector |= 3
        },
        EntryCase("FS: unusable, and all else wrong", .long) {
            $0.special.fs.isUnusable = true
            $0.special.fs.type = 0xFF
            $0.special.fs.privilegeLevel = 0xFF
            $0.special.fs.selector = 0xFFFF
            $0.special.fs.limit = 0
            $0.special.fs.isCodeOrData = false
        },
    ]
}

extension Segment {
    fileprivate static var localTable: Segment {
        var segment = Segment()
        segment.selector = 0x28
        segment.base = 0x9000
        segment.limit = 0xFF
        segment.type = 2
        segment.isPresent = true
        return segment
    }
}
