import KVM

@testable import VMM

extension EntryTable {
    static let flags = [
        EntryRow(
            "long: rip noncanonical", .tripleFault, .tripleFault, .tripleFault, .tripleFault,
            refused: "RIP is 0x8000000000000000; in 64-bit code it must be canonical"
        ) { $0.registers.rip = 1 << 63 },
        EntryRow(
            "long: rip>4G with CS.L=0", .guestState, .guestState, .ok, .tripleFault,
            refused: "RIP is 0x100100000; outside 64-bit code its bits 63 to 32 must be zero"
        ) {
            $0.registers.rip |= 1 << 32
            $0.special.cs.isLong = false
            $0.special.cs.is32Bit = true
        },
        EntryRow("long: rflags bit1=0", .ok, .ok, .ok, .ok) { $0.registers.rflags = [] },
        EntryRow(
            "long: rflags VM=1", .guestState, .guestState, .ok, .ok, refused: "RFLAGS is 0x20002, with bit 17 set"
        ) { $0.registers.rflags.insert(.virtual8086) },
        EntryRow(
            "long: rflags bit15=1", .guestState, .guestState, .ok, .ok, refused: "RFLAGS is 0x8002, with bit 15 set"
        ) { $0.registers.rflags.insert(Flags(rawValue: 1 << 15)) },
        EntryRow(
            "long: rflags bit63=1", .guestState, .guestState, .ok, .ok,
            refused: "RFLAGS is 0x8000000000000002, with bit 63 set"
        ) { $0.registers.rflags.insert(Flags(rawValue: 1 << 63)) },
    ]

    static let controlRegisters = [
        EntryRow(
            "long: CR0.PG=0 w/ LMA", .refused, .refused, .refused, .refused,
            refused: "EFER is 0x500 with paging off; LMA must be set where LME and CR0.PG are"
        ) { $0.special.cr0.remove(.paging) },
        EntryRow(
            "long: CR0 PE=0 PG=1", .refused, .refused, .refused, .refused,
            refused: "CR0 is 0x80010032; paging (PG) needs protection (PE)"
        ) { $0.special.cr0.remove(.protectionEnable) },
        EntryRow("long: CR0.NE=0", .ok, .ok, .ok, .ok) { $0.special.cr0.remove(.numericError) },
        EntryRow(
            "long: CR0.NW=1 CD=0", .refused, .refused, .refused, .refused,
            refused: "CR0 is 0xa0010033; NW may be set only where CD is"
        ) { $0.special.cr0.insert(.notWriteThrough) },
        EntryRow(
            "long: CR0 bit 32", .refused, .refused, .refused, .refused,
            refused: "CR0 is 0x180010033, with bit 32 set"
        ) { $0.special.cr0.insert(ControlRegister0(rawValue: 1 << 32)) },
        EntryRow(
            "long: CR4.PAE=0", .refused, .refused, .refused, .refused, refused: "CR4 is 0x600; long mode needs PAE"
        ) { $0.special.cr4.remove(.physicalAddressExtension) },
        EntryRow(
            "long: CR4.VMXE=1", .ok, .ok, .refused, .refused,
            refused: "CR4 is 0x2620, with bit 13 set; bits that only Intel defines must be zero"
        ) { $0.special.cr4.insert(ControlRegister4(rawValue: 1 << 13)) },
        EntryRow(
            "long: CR4 bit 31", .refused, .refused, .refused, .refused,
            refused: "CR4 is 0x80000620, with bit 31 set; reserved bits must be zero"
        ) { $0.special.cr4.insert(ControlRegister4(rawValue: 1 << 31)) },
        EntryRow(
            "long: CR4.PCIDE=1 no LMA", .guestState, .guestState, .refused, .refused,
            refused: "CR4 is 0x20620, with bit 17 set; PCIDE needs long mode"
        ) {
            $0.special.cr4.insert(ControlRegister4(rawValue: 1 << 17))
            $0.special.efer = []
            $0.special.cs.isLong = false
            $0.special.cs.is32Bit = true
        },
        EntryRow(
            "long: EFER LME=1 LMA=0 PG=1", .refused, .refused, .refused, .refused,
            refused: "EFER is 0x100 with paging on; LMA must be set where LME and CR0.PG are"
        ) { $0.special.efer = [.longModeEnable] },
        EntryRow(
            "long: EFER LME=0 LMA=1", .refused, .refused, .refused, .refused,
            refused: "EFER is 0x400 with paging on; LMA must be set where LME and CR0.PG are"
        ) { $0.special.efer = [.longModeActive] },
        EntryRow(
            "long: EFER reserved bit 1", .guestState, .guestState, .invalid, .ok,
            refused: "EFER is 0x502, with bit 1 set; reserved bits must be zero"
        ) { $0.special.efer.insert(ExtendedFeatures(rawValue: 1 << 1)) },
        EntryRow(
            "long: CR3 bit 60", .refused, .refused, .refused, .refused,
            refused: "CR3 is 0x1000000000008000, with bit 60 set; bits beyond the physical address must be zero"
        ) { $0.special.cr3 |= 1 << 60 },
    ]
}
