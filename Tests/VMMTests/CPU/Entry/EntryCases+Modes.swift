import KVM

@testable import VMM

extension EntryCases {
    static let privilege = [
        EntryCase("ring 3 in long mode", .long) { $0.enterRing3() },
        EntryCase("ring 3 in protected mode", .protected) { $0.enterRing3() },
        EntryCase("ring 3 with a data segment of ring 0", .long, refused: "GS has privilege level 0") {
            $0.enterRing3()
            $0.special.gs.privilegeLevel = 0
        },
        EntryCase("conforming code of ring 0 in ring 3", .long) {
            $0.enterRing3()
            $0.special.cs.type = 13
            $0.special.cs.privilegeLevel = 0
        },
        EntryCase("code of ring 0 in ring 3", .long, refused: "CS has privilege level 0 while SS has 3") {
            $0.enterRing3()
            $0.special.cs.privilegeLevel = 0
        },
        EntryCase("SS: its level is the ring even if it is unusable", .long, refused: "SS has privilege level 0 and") {
            $0.special.cs.selector = 0x13
            $0.special.ss.selector = 3
            $0.special.ss.isUnusable = true
        },
    ]

    static let real = [
        EntryCase("real: the second processor of Linux, 9A00:0000", .real) { $0.setSegments(selector: 0x9A00) },
        EntryCase("real: selectors with any RPL", .real) { $0.setSegments(selector: 0x1003) },
        EntryCase("real: code and stack in different segments", .real) {
            $0.special.ss.selector = 0x8002
            $0.special.ss.base = 0x80020
        },
        EntryCase("real: the reset vector, whose base no selector makes", .real, refused: "CS has base 0xffff0000") {
            $0.special.cs.selector = 0xF000
            $0.special.cs.base = 0xFFFF_0000
        },
        EntryCase("real: a data base beyond its selector", .real, refused: "GS has base 0x100000 and selector 0x0") {
            $0.special.gs.base = 0x10_0000
        },
        EntryCase("real: an unusable segment", .real) {
            $0.special.fs.base = 0x10_0000
            $0.special.fs.isUnusable = true
        },
        EntryCase("real: a data segment as code", .real) { $0.special.cs.type = 3 },
        EntryCase("real: a data segment as code, level 3", .real, refused: "a data segment as code must have 0") {
            $0.special.cs.type = 3
            $0.special.cs.privilegeLevel = 3
        },
        EntryCase("real: a read-only data segment as code", .real, refused: "CS has type 1; in real mode") {
            $0.special.cs.type = 1
        },
        EntryCase("real: nothing set at all", .real, refused: "CS is not present") { $0 = CPUState() },
        EntryCase("real: SS of level 3", .real, refused: "SS has privilege level 3; in real mode it must be 0") {
            $0.special.cs.privilegeLevel = 3
            $0.special.ss.privilegeLevel = 3
        },
        EntryCase("real: DS of lower level than its RPL", .real) {
            $0.special.ds.selector = 3
            $0.special.ds.base = 0x30
        },
        EntryCase("real: TR 16-bit and available", .real, refused: "TR has type 1") { $0.special.tr.type = 1 },
    ]

    static let virtual8086 = [
        EntryCase("virtual-8086 mode", .virtual8086) { _ in },
        EntryCase("virtual-8086: base", .virtual8086, refused: "ES has base 0x10061 and selector 0x1006") {
            $0.special.es.base += 1
        },
        EntryCase("virtual-8086: limit", .virtual8086, refused: "SS has limit 0xfffff; in virtual-8086 mode") {
            $0.special.ss.limit = 0xF_FFFF
        },
        EntryCase("virtual-8086: code segment", .virtual8086, refused: "CS has access rights 0xfb") {
            $0.special.cs.type = 11
        },
        EntryCase("virtual-8086: level", .virtual8086, refused: "SS has access rights 0x93") {
            $0.special.ss.privilegeLevel = 0
        },
        EntryCase("virtual-8086: unusable", .virtual8086, refused: "DS has access rights 0x100f3") {
            $0.special.ds.isUnusable = true
        },
        EntryCase("virtual-8086: all flags", .virtual8086, refused: "GS has access rights 0xf0f3") {
            $0.special.gs.isAvailable = true
            $0.special.gs.isLong = true
            $0.special.gs.is32Bit = true
            $0.special.gs.hasPageGranularity = true
        },
        EntryCase("virtual-8086: TR's limit", .virtual8086, refused: "TR has limit 0x100000 counted in bytes") {
            $0.special.tr.limit = 0x10_0000
        },
    ]

    static let instruction = [
        EntryCase("IDTR: base not canonical", .protected, refused: "IDTR has base 0x800000000000") {
            $0.special.idt.base = 1 << 47
        },
        EntryCase("RIP: the last address of the lower half", .long) { $0.registers.rip = 0x7FFF_FFFF_FFFF },
        EntryCase("RIP: the first of the upper half", .long) { $0.registers.rip = 0xFFFF_8000_0000_0000 },
        EntryCase("RIP: one past the lower half", .long, refused: "RIP is 0x800000000000; in 64-bit code") {
            $0.registers.rip = 0x8000_0000_0000
        },
        EntryCase("RIP: the same, with LA57", .long) {
            $0.registers.rip = 0x8000_0000_0000
            $0.special.cr4.insert(ControlRegister4(rawValue: 1 << 12))
        },
        EntryCase("RIP: above 4 GiB in protected mode", .protected, refused: "RIP is 0x100000000") {
            $0.registers.rip = 1 << 32
        },
        EntryCase("RFLAGS: every defined flag but VM", .long) { $0.registers.rflags = Flags(rawValue: 0x3D_7FD7) },
        EntryCase("RFLAGS: bits 3, 5 and 22", .long, refused: "RFLAGS is 0x40002a, with bits 3, 5, 22 set") {
            $0.registers.rflags = Flags(rawValue: 0x40_002A)
        },
        EntryCase("every other register at its highest value", .long) {
            let rip = $0.registers.rip
            $0.registers = GeneralRegisters(all: .max)
            $0.registers.rip = rip
            $0.special.cr2 = .max
        },
    ]
}

extension CPUState {
    fileprivate mutating func enterRing3() {
        for register in [\SpecialRegisters.cs, \.ss, \.ds, \.es, \.fs, \.gs] {
            special[keyPath: register].selector |= 3
            special[keyPath: register].privilegeLevel = 3
        }
    }

    fileprivate mutating func setSegments(selector: UInt16) {
        for register in [\SpecialRegisters.cs, \.ss, \.ds, \.es, \.fs, \.gs] {
            special[keyPath: register].selector = selector
            special[keyPath: register].base = UInt64(selector) << 4
        }
    }
}

extension GeneralRegisters {
    fileprivate init(all value: UInt64) {
        self.init()
        (rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp) = (value, value, value, value, value, value, value, value)
        (r8, r9, r10, r11, r12, r13, r14, r15) = (value, value, value, value, value, value, value, value)
    }
}
