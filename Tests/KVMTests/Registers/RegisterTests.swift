import Glibc
import KVM
import SystemPackage
import TestSupport
import Testing

@Suite("Registers", .requiresKVM)
struct RegisterTests {
    @Test("general registers come back as they were set, each its own")
    func generalRegisters() throws {
        let machine = try TestMachine([])
        var registers = GeneralRegisters()
        registers.rax = 0x0101_0101_0101_0101
        registers.rbx = 0x0202_0202_0202_0202
        registers.rcx = 0x0303_0303_0303_0303
        registers.rdx = 0x0404_0404_0404_0404
        registers.rsi = 0x0505_0505_0505_0505
        registers.rdi = 0x0606_0606_0606_0606
        registers.rsp = 0x0707_0707_0707_0707
        registers.rbp = 0x0808_0808_0808_0808
        registers.r8 = 0x0909_0909_0909_0909
        registers.r9 = 0x0A0A_0A0A_0A0A_0A0A
        registers.r10 = 0x0B0B_0B0B_0B0B_0B0B
        registers.r11 = 0x0C0C_0C0C_0C0C_0C0C
        registers.r12 = 0x0D0D_0D0D_0D0D_0D0D
        registers.r13 = 0x0E0E_0E0E_0E0E_0E0E
        registers.r14 = 0x0F0F_0F0F_0F0F_0F0F
        registers.r15 = 0xF0F0_F0F0_F0F0_F0F0
        registers.rip = 0x0000_1111_2222_3333
        registers.rflags = [.alwaysSet, .carry, .zero, .direction, .privilegeLevel3ForPorts]
        try machine.vcpu.setRegisters(registers)
        #expect(try machine.vcpu.registers() == registers)
    }

    @Test("the guest finds the registers that were set, and those it leaves are read")
    func registersReachTheGuest() throws {
        var machine = try TestMachine([
            0x01, 0xD8,  // addw %bx, %ax
            0xF4,  // hlt
        ])
        var registers = try machine.vcpu.registers()
        registers.rax = 0x1200
        registers.rbx = 0x0034
        try machine.vcpu.setRegisters(registers)
        let exit = try machine.vcpu.nextExit()
        #expect(exit == .halt)
        let after = try machine.vcpu.registers()
        #expect(after.rax == 0x1234)
        #expect(after.rip == 0x1003)
        #expect(after.rflags.contains(.alwaysSet))
        #expect(!after.rflags.contains(.zero))
    }

    @Test("a segment register comes back with each of its fields")
    func segments() throws {
        let machine = try TestMachine([])
        var special = try machine.vcpu.specialRegisters()
        special.cr0 = [.protectionEnable, .extensionType, .numericError]
        special.cs = Self.segment(selector: 0x08, base: 0x1_0000, type: 11)
        special.ss = Self.segment(selector: 0x10, base: 0x2_0000, type: 3)
        special.ds = Self.segment(selector: 0x1B, base: 0x3_0000, type: 3)
        special.ds.privilegeLevel = 3
        special.es = Self.segment(selector: 0x20, base: 0x4_0000, type: 3)
        special.es.isAvailable = true
        special.fs = Self.segment(selector: 0x28, base: 0x5_0000, type: 3)
        (special.fs.limit, special.fs.hasPageGranularity) = (0xFFFF, false)
        special.gs = Self.segment(selector: 0x30, base: 0x6_0000, type: 3)
        special.gs.is32Bit = false
        special.tr = Self.systemSegment(selector: 0x38, base: 0x7_0000, limit: 0x67, type: 11)
        special.ldt = Self.systemSegment(selector: 0x40, base: 0x8_0000, limit: 0x1F, type: 2)
        try machine.vcpu.setSpecialRegisters(special)
        #expect(try machine.vcpu.specialRegisters() == special)
    }

    @Test("a segment register that holds no segment is known as that")
    func unusableSegment() throws {
        let machine = try TestMachine([])
        var special = try machine.vcpu.specialRegisters()
        special.ldt = Segment()
        special.ldt.isUnusable = true
        try machine.vcpu.setSpecialRegisters(special)
        let after = try machine.vcpu.specialRegisters().ldt
        #expect(after.isUnusable)
        #expect(!after.isPresent)
    }

    @Test("control registers and descriptor tables come back as they were set")
    func controlRegisters() throws {
        var machine = try TestMachine([])
        try machine.enterLongMode()
        var special = try machine.vcpu.specialRegisters()
        special.gdt = DescriptorTable(base: 0x1234_5000, limit: 0x1F)
        special.idt = DescriptorTable(base: 0x5678_9000, limit: 0xFFF)
        special.cr0 = [
            .protectionEnable, .monitorCoprocessor, .extensionType, .numericError, .writeProtect, .alignmentMask,
            .paging,
        ]
        special.cr2 = 0x0000_7FFF_DEAD_BEEF
        special.cr3 = 0x2000
        special.cr4 = [.pageSizeExtension, .physicalAddressExtension, .globalPages, .fxsave, .simdExceptions]
        special.cr8 = 9
        special.efer = [.longModeEnable, .longModeActive, .noExecute, .syscall]
        special.cs.isLong = true
        special.cs.is32Bit = false
        try machine.vcpu.setSpecialRegisters(special)
        #expect(try machine.vcpu.specialRegisters() == special)
    }

    @Test("the first vCPU is the boot processor, with its local APIC at 0xFEE00000")
    func apicBase() throws {
        let machine = try TestMachine([])
        #expect(try machine.vcpu.specialRegisters().apicBase == 0xFEE0_0900)
    }

    @Test("a combination that no processor has is refused: paging without protection")
    func refusedControlRegisters() throws {
        let machine = try TestMachine([])
        var special = try machine.vcpu.specialRegisters()
        special.cr0 = [.paging]
        let error: KVMError?
        do throws(KVMError) {
            try machine.vcpu.setSpecialRegisters(special)
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error == .call("set the special registers", Errno(rawValue: EINVAL)))
    }

    @Test("a linear address is translated through the page tables, and an unmapped one is nil")
    func translation() throws {
        var machine = try TestMachine([])
        #expect(try machine.vcpu.physicalAddress(ofLinear: 0x1234) == 0x1234)
        try machine.enterLongMode()
        // The second 2 MiB page of the guest shows its first.
        machine.memory.store(words: [0x83, 0x83], at: 0x4000)
        #expect(try machine.vcpu.physicalAddress(ofLinear: 0x20_1234) == 0x1234)
        #expect(try machine.vcpu.physicalAddress(ofLinear: 0x4000_0000) == nil)
    }

    private static func segment(selector: UInt16, base: UInt64, type: UInt8) -> Segment {
        var segment = Segment()
        segment.selector = selector
        segment.base = base
        segment.limit = 0xFFFF_FFFF
        segment.type = type
        segment.isPresent = true
        segment.isCodeOrData = true
        segment.is32Bit = true
        segment.hasPageGranularity = true
        return segment
    }

    private static func systemSegment(selector: UInt16, base: UInt64, limit: UInt32, type: UInt8) -> Segment {
        var segment = Segment()
        segment.selector = selector
        segment.base = base
        segment.limit = limit
        segment.type = type
        segment.isPresent = true
        return segment
    }
}
