import KVM

@testable import VMM

extension EntryTable {
    static let systemSegments = [
        EntryRow(
            "long: TR type 9 (not busy)", .guestState, .guestState, .ok, .ok,
            refused: "TR has type 9; in long mode it must be a busy 64-bit TSS"
        ) { $0.special.tr.type = 9 },
        EntryRow(
            "long: TR type 3 (16-bit busy)", .guestState, .guestState, .ok, .ok,
            refused: "TR has type 3; in long mode it must be a busy 64-bit TSS"
        ) { $0.special.tr.type = 3 },
        EntryRow("long: TR unusable", .guestState, .guestState, .ok, .ok, refused: "TR is unusable") {
            $0.special.tr.isUnusable = true
        },
        EntryRow(
            "long: TR selector TI=1", .guestState, .guestState, .ok, .ok,
            refused: "TR has selector 0x24; it must not be in the local descriptor table"
        ) { $0.special.tr.selector |= 4 },
        EntryRow(
            "long: TR limit ffffffff g=0", .guestState, .guestState, .ok, .ok,
            refused: "TR has limit 0xffffffff counted in bytes"
        ) { $0.special.tr.limit = 0xFFFF_FFFF },
        EntryRow(
            "long: LDTR type 3, usable", .guestState, .guestState, .ok, .ok,
            refused: "LDTR has type 3; it must be a local descriptor table"
        ) {
            $0.special.ldt.type = 3
            $0.special.ldt.isPresent = true
            $0.special.ldt.isUnusable = false
        },
    ]

    static let codeAndStack = [
        EntryRow(
            "long: CS type 10 (not accessed)", .ok, .guestState, .ok, .ok,
            refused: "CS has type 10; outside real mode it must be accessed code"
        ) { $0.special.cs.type = 10 },
        EntryRow(
            "long: CS type 3 (data)", .ok, .guestState, .ok, .ok,
            refused: "CS has type 3; outside real mode it must be accessed code"
        ) { $0.special.cs.type = 3 },
        EntryRow("long: CS L=1 and D=1", .guestState, .guestState, .invalid, .ok, refused: "CS has L and D set") {
            $0.special.cs.is32Bit = true
        },
        EntryRow(
            "long: CS limit ffffffff g=0", .guestState, .guestState, .ok, .ok,
            refused: "CS has limit 0xffffffff counted in bytes"
        ) { $0.special.cs.hasPageGranularity = false },
        EntryRow(
            "long: CS limit 0 g=1", .guestState, .guestState, .ok, .ok, refused: "CS has limit 0x0 counted in pages"
        ) { $0.special.cs.limit = 0 },
        EntryRow("long: CS not present", .guestState, .guestState, .ok, .ok, refused: "CS is not present") {
            $0.special.cs.isPresent = false
        },
        EntryRow("long: CS s=0", .guestState, .guestState, .ok, .ok, refused: "CS is a system segment") {
            $0.special.cs.isCodeOrData = false
        },
        EntryRow(
            "long: CS dpl=3 ss dpl=0", .tripleFault, .guestState, .ok, .ok,
            refused: "CS has privilege level 3 while SS has 0; non-conforming code must have that of SS"
        ) { $0.special.cs.privilegeLevel = 3 },
        EntryRow(
            "long: CS rpl=3 dpl 0", .guestState, .guestState, .ok, .ok,
            refused: "SS has selector 0x18 while CS has 0x13; outside real mode both must have the same RPL"
        ) { $0.special.cs.selector |= 3 },
        EntryRow(
            "long: CS conforming dpl3 ss0", .guestState, .guestState, .ok, .ok,
            refused: "CS has privilege level 3 while SS has 0; conforming code must not have more than SS"
        ) {
            $0.special.cs.type = 15
            $0.special.cs.privilegeLevel = 3
        },
        EntryRow(
            "long: SS rpl=3 cs rpl=0", .ok, .guestState, .ok, .ok,
            refused: "SS has selector 0x1b while CS has 0x10; outside real mode both must have the same RPL"
        ) { $0.special.ss.selector |= 3 },
        // Here Bochs 2.7 lets the unrestricted host enter; the manual compares CS.DPL with SS.DPL and refuses on CS
        // first.
        EntryRow(
            "long: SS dpl=3", .ok, .guestState, .tripleFault, .tripleFault,
            refused: "CS has privilege level 0 while SS has 3"
        ) { $0.special.ss.privilegeLevel = 3 },
        EntryRow(
            "long: SS type 2 (not accessed)", .ok, .guestState, .ok, .ok,
            refused: "SS has type 2; it must be accessed read/write data"
        ) { $0.special.ss.type = 2 },
        EntryRow(
            "long: SS type 1 (RO)", .guestState, .guestState, .ok, .ok,
            refused: "SS has type 1; it must be accessed read/write data"
        ) { $0.special.ss.type = 1 },
        EntryRow("long: SS unusable selector 0", .ok, .ok, .ok, .ok) {
            $0.special.ss.isUnusable = true
            $0.special.ss.selector = 0
        },
    ]

    static let dataAndTables = [
        EntryRow(
            "long: DS type 2 (not accessed)", .ok, .guestState, .ok, .ok,
            refused: "DS has type 2; a usable segment must be accessed"
        ) { $0.special.ds.type = 2 },
        EntryRow("long: DS not present, usable", .ok, .ok, .ok, .ok) { $0.special.ds.isPresent = false },
        EntryRow(
            "long: DS base above 4G", .guestState, .guestState, .ok, .ok,
            refused: "DS has base 0x100000000; bits 63 to 32 must be zero"
        ) { $0.special.ds.base = 1 << 32 },
        EntryRow(
            "long: FS base noncanonical", .guestState, .guestState, .ok, .ok,
            refused: "FS has base 0x8000000000000000; it must be canonical"
        ) { $0.special.fs.base = 1 << 63 },
        EntryRow(
            "long: GDTR base noncanonical", .guestState, .guestState, .ok, .ok,
            refused: "GDTR has base 0x8000000000000000; it must be canonical"
        ) { $0.special.gdt.base = 1 << 63 },
        EntryRow(
            "long: TR base noncanonical", .guestState, .guestState, .ok, .ok,
            refused: "TR has base 0x8000000000000000; it must be canonical"
        ) { $0.special.tr.base = 1 << 63 },
        // The limit has 16 bits in KVM's structure, so that the seventeenth was lost.
        EntryRow("long: GDT limit 0x1ffff (16b)", .ok, .ok, .ok, .ok) {
            $0.special.gdt.limit = UInt16(truncatingIfNeeded: 0x1FFFF)
        },
    ]
}
