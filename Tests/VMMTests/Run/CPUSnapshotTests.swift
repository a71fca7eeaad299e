import KVM
import Testing

@testable import VMM

@Suite("A failed vCPU's state in words")
struct CPUSnapshotTests {
    private static func snapshot(_ mode: CPUMode, instruction: [UInt8]) -> CPUSnapshot {
        let state: CPUState =
            switch mode {
            case .real: .real(entry: 0x7C00)
            case .protected: .protected(entry: 0x10_0000)
            case .long: .long(entry: 0x10_0000, bootParameters: 0x3000)
            }
        return CPUSnapshot(
            registers: state.registers, special: state.special, instruction: InstructionBytes(instruction))
    }

    @Test("every register is shown, and no line is longer than 80 columns", arguments: CPUMode.allCases)
    func showsAll(mode: CPUMode) {
        let text = Self.snapshot(mode, instruction: [0x0F, 0x0B]).description
        for name in [
            "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14",
            "r15",
            "rip", "flg", "cr0", "cr2", "cr3", "cr4", "efr", "cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt", "gdt",
            "idt",
        ] {
            #expect(text.contains("\(name) "), "\(name)")
        }
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test("numbers are hexadecimal, of a fixed width")
    func numbers() {
        let text = Self.snapshot(.long, instruction: [0x0F, 0x0B]).description
        #expect(text.contains("rsi 0000000000003000"))
        #expect(text.contains("rip 0000000000100000"))
        #expect(text.contains("cr3 0000000000008000"))
        #expect(text.contains("cs 0010 base 00000000 limit ffffffff 64"))
        #expect(text.contains("gdt 0x1000 limit 0x2f  idt 0x0 limit 0x0"))
        #expect(text.hasSuffix("code at 0x100000: 0f 0b"))
    }

    @Test("where there is no memory, the text says so")
    func noMemory() {
        #expect(Self.snapshot(.real, instruction: []).description.hasSuffix("code at 0x7c00: no memory"))
    }

    @Test("the instruction's address is linear: the code segment's base counts outside long mode, and not in it")
    func instructionAddress() {
        var state = CPUState.real(entry: 0x1234)
        state.special.cs.base = 0xF_0000
        let real = CPUSnapshot(
            registers: state.registers, special: state.special, instruction: InstructionBytes([]))
        #expect(real.instructionAddress == 0xF_1234)
        state = .long(entry: 0x1234, bootParameters: 0)
        state.special.cs.base = 0xF_0000
        let long = CPUSnapshot(
            registers: state.registers, special: state.special, instruction: InstructionBytes([]))
        #expect(long.instructionAddress == 0x1234)
    }

    @Test(
        "instructions that emulators lack are known with and without prefixes",
        arguments: [
            ([0xCC], "INT3"), ([0xCD, 0x80], "INT n"), ([0x0F, 0x01, 0xC1], "VMCALL"), ([0x0F, 0x01, 0xD9], "VMMCALL"),
            ([0x0F, 0x01, 0xCA], "CLAC"), ([0x0F, 0x01, 0xCB], "STAC"), ([0x0F, 0x01, 0xD0], "XGETBV"),
            ([0xF3, 0x0F, 0xB8, 0xC0], "POPCNT"), ([0x66, 0xF3, 0x48, 0x0F, 0xB8, 0xC0], "POPCNT"),
            ([0xF0, 0x48, 0x0F, 0xC7, 0x0E], "CMPXCHG16B or XSAVE family"),
            ([0x66, 0x0F, 0x38, 0x82, 0x06], "INVPCID"),
            ([0x90], nil), ([0x0F], nil), ([], nil), ([0x66, 0x66], nil),
        ] as [([UInt8], String?)])
    func names(bytes: [UInt8], name: String?) {
        #expect(InstructionName.find(bytes) == name)
    }

    @Test("each way to fail has its own words")
    func descriptions() {
        let state = Self.snapshot(.long, instruction: [0x0F, 0x01, 0xC1])
        #expect(
            GuestError(kind: .entryFailure(reason: 0x8000_0021), state: state).description
                == "the processor refused to enter the guest: hardware reason 0x80000021")
        #expect(
            GuestError(kind: .internalError(suberror: 3), state: state).description
                == "KVM gave up with internal error 3")
        #expect(
            GuestError(kind: .unexpectedExit("unknown(reason: 99)"), state: state).description
                == "the guest caused an exit that is not handled: unknown(reason: 99)")
        #expect(
            GuestError(kind: .emulationFailure, state: state).description.hasPrefix(
                "KVM cannot emulate the instruction at 0x100000, 0f 01 c1 (VMCALL); "))
    }

    @Test(
        "bytes that KVM does not emulate are blamed on the host only where they look like code",
        arguments: [
            ([0, 0, 0, 0], "zeros were run as code"),
            ([0x0F, 0x28, 0xC1], "compile what runs in ring 0 with -mgeneral-regs-only"),
            ([0xC5, 0xF8, 0x77], "compile what runs in ring 0 with -mgeneral-regs-only"),
            ([0xD9, 0xE8], "(x87 floating point); this host's KVM"),
            ([0xF3, 0x0F, 0xB8, 0xC0], "(POPCNT); this host's KVM"),
            ([0x68, 0x65, 0x6C, 0x6C, 0x6F], "if it is not, data was run as code"),
            ([], "there is no memory there: a jump went astray"),
        ] as [([UInt8], String)])
    func missingInstruction(bytes: [UInt8], words: String) {
        let state = CPUSnapshot(
            registers: GeneralRegisters(), special: SpecialRegisters(), instruction: InstructionBytes(bytes))
        #expect(state.emulationHint.contains(words), "\(state.emulationHint)")
    }
}
