import KVM

@testable import VMM

extension EntryTable {
    static let real = [
        EntryRow(
            "real: CS base!=sel*16", .ok, .ok, .neverEnds, .ok,
            refused: "CS has base 0x1000 and selector 0x0; in real and virtual-8086 mode the base must be 16 times"
        ) { $0.special.cs.base = 0x1000 },
        EntryRow("real: CS limit 0xfffff", .ok, .ok, .ok, .ok) { $0.special.cs.limit = 0xFFFFF },
        // Bochs 2.7 compares CS.DPL with CS.RPL. The manual has no rule on RPL here ("If ... the "unrestricted guest"
        // VM-execution control is 0"); what a selector of 3 breaks is that the base is no longer 16 times as much.
        EntryRow(
            "real: CS rpl!=ss rpl", .guestState, .ok, .ok, .ok,
            refused: "CS has base 0x0 and selector 0x3; in real and virtual-8086 mode the base must be 16 times"
        ) { $0.special.cs.selector |= 3 },
        EntryRow("real: SS limit 4G g=1", .ok, .ok, .ok, .ok) {
            $0.special.ss.limit = 0xFFFF_FFFF
            $0.special.ss.hasPageGranularity = true
        },
        EntryRow("real: TR type 3", .ok, .ok, .ok, .ok) { $0.special.tr.type = 3 },
        EntryRow(
            "real: TR type 9", .guestState, .ok, .ok, .ok,
            refused: "TR has type 9; it must be a busy TSS: 3 (16-bit) or 11 (32-bit)"
        ) { $0.special.tr.type = 9 },
        EntryRow(
            "real: v8086 flag PE=0", .guestState, .ok, .ok, .ok,
            refused: "RFLAGS is 0x20002, with bit 17 set; virtual-8086 mode (VM) needs protection"
        ) { $0.registers.rflags.insert(.virtual8086) },
    ]

    static let protected = [
        EntryRow(
            "pm32: SS g=0 limit 4G", .guestState, .guestState, .ok, .ok,
            refused: "SS has limit 0xffffffff counted in bytes"
        ) { $0.special.ss.hasPageGranularity = false },
        EntryRow(
            "pm32: CS selector rpl 3", .guestState, .guestState, .ok, .ok,
            refused: "SS has selector 0x18 while CS has 0x13; outside real mode both must have the same RPL"
        ) { $0.special.cs.selector |= 3 },
        EntryRow(
            "pm32: DS dpl0 rpl3", .ok, .guestState, .ok, .ok,
            refused: "DS has privilege level 0 and selector 0x1b; outside real mode it must not be less than"
        ) { $0.special.ds.selector |= 3 },
        EntryRow("pm32: expand-down SS type 7", .ok, .ok, .ok, .ok) { $0.special.ss.type = 7 },
        EntryRow(
            "pm32: paging cr3=0 no PAE", .tripleFault, .tripleFault, .tripleFault, .tripleFault,
            exception: """
                of CR3 only bits beyond the physical address's width count (Intel SDM vol. 3C, Checks on Guest Control \
                Registers); that the page directory at 0 maps nothing is a fault of memory
                """
        ) { $0.special.cr0.insert(.paging) },
    ]
}
