import KVM
import Testing

@testable import VMM

/// The entry states of `docs/` and the README, field by field; what a processor demands of them is another suite's.
@Suite("Entry states")
struct CPUStateTests {
    @Test("real mode is a boot sector's: every segment 0, the stack below the code")
    func realMode() {
        let state = CPUState.real(entry: 0x7C00)
        var registers = GeneralRegisters()
        registers.rip = 0x7C00
        registers.rsp = 0x7C00
        #expect(state.registers == registers)
        #expect(state.registers.rflags.rawValue == 0x2)
        let special = state.special
        var code = Segment()
        (code.limit, code.type, code.isPresent, code.isCodeOrData) = (0xFFFF, 11, true, true)
        #expect(special.cs == code)
        var data = code
        data.type = 3
        for segment in [special.ds, special.es, special.fs, special.gs, special.ss] { #expect(segment == data) }
        #expect(special.idt == DescriptorTable(base: 0, limit: 0x3FF))
        #expect(special.gdt == DescriptorTable(base: 0, limit: 0))
        // ET alone, and neither protection nor paging.
        #expect(special.cr0.rawValue == 0x10)
        #expect(special.cr3 == 0)
        #expect(special.cr4.rawValue == 0)
        #expect(special.efer.rawValue == 0)
    }

    @Test("protected mode has flat segments of 4 GiB, a stack at 0x80000 and no paging")
    func protectedMode() {
        let state = CPUState.protected(entry: 0x0010_0000)
        var registers = GeneralRegisters()
        registers.rip = 0x10_0000
        registers.rsp = 0x8_0000
        #expect(state.registers == registers)
        let special = state.special
        expectFlat(special.cs, selector: 0x10, type: 11, is32Bit: true, isLong: false)
        for segment in [special.ds, special.es, special.fs, special.gs, special.ss] {
            expectFlat(segment, selector: 0x18, type: 3, is32Bit: true, isLong: false)
        }
        // PE, MP, ET, NE.
        #expect(special.cr0.rawValue == 0x33)
        #expect(special.cr3 == 0)
        #expect(special.cr4.rawValue == 0)
        #expect(special.efer.rawValue == 0)
        expectTables(special)
    }

    @Test("long mode has 64-bit code, the page tables, and the boot parameters in RSI")
    func longMode() {
        let state = CPUState.long(entry: 0x10_0000, bootParameters: 0x3000)
        var registers = GeneralRegisters()
        registers.rip = 0x10_0000
        registers.rsp = 0x8_0000
        registers.rsi = 0x3000
        #expect(state.registers == registers)
        let special = state.special
        expectFlat(special.cs, selector: 0x10, type: 11, is32Bit: false, isLong: true)
        for segment in [special.ds, special.es, special.fs, special.gs, special.ss] {
            expectFlat(segment, selector: 0x18, type: 3, is32Bit: true, isLong: false)
        }
        // PE, MP, ET, NE, WP, PG.
        #expect(special.cr0.rawValue == 0x8001_0033)
        #expect(special.cr3 == 0x8000)
        // PAE, OSFXSR, OSXMMEXCPT.
        #expect(special.cr4.rawValue == 0x620)
        // LME, LMA.
        #expect(special.efer.rawValue == 0x500)
        expectTables(special)
    }

    @Test("an entry may be anywhere that its mode reaches")
    func entries() {
        #expect(CPUState.real(entry: 0xFFFF).registers.rip == 0xFFFF)
        #expect(CPUState.protected(entry: 0xFFFF_FFFF).registers.rip == 0xFFFF_FFFF)
        #expect(CPUState.long(entry: 0xFFFF_FFFF, bootParameters: 0).registers.rip == 0xFFFF_FFFF)
    }

    @Test("no mode is entered with interrupts on, the direction flag set, or a task priority")
    func quietStart() {
        for state in [
            CPUState.real(entry: 0), .protected(entry: 0), .long(entry: 0, bootParameters: 0),
        ] {
            #expect(state.registers.rflags.rawValue == 0x2)
            #expect(state.special.cr8 == 0)
            #expect(state.special.cr2 == 0)
        }
    }

    /// Base 0, limit 4 GiB, present, ring 0, accessed.
    private func expectFlat(_ segment: Segment, selector: UInt16, type: UInt8, is32Bit: Bool, isLong: Bool) {
        var expected = Segment()
        expected.selector = selector
        expected.limit = 0xFFFF_FFFF
        expected.type = type
        expected.isPresent = true
        expected.isCodeOrData = true
        expected.is32Bit = is32Bit
        expected.isLong = isLong
        expected.hasPageGranularity = true
        #expect(segment == expected)
    }

    /// Descriptor table of six words at 0x1000, a busy task at 0x2000, no local table, no interrupt descriptor.
    private func expectTables(_ special: SpecialRegisters) {
        #expect(special.gdt == DescriptorTable(base: 0x1000, limit: 0x2F))
        #expect(special.idt == DescriptorTable(base: 0, limit: 0))
        var task = Segment()
        (task.selector, task.base, task.limit, task.type, task.isPresent) = (0x20, 0x2000, 0x67, 11, true)
        #expect(special.tr == task)
        #expect(special.ldt.isUnusable)
    }
}
