import DeviceModel
import KVM

/// A vCPU's state when its guest failed, for people.
public struct CPUSnapshot: Equatable, Sendable {
    public let registers: GeneralRegisters
    public let special: SpecialRegisters
    /// The bytes at the instruction pointer; empty where there is no memory or none is mapped.
    public internal(set) var instruction: InstructionBytes
    /// Words of the stack, the top one first, of the size that the mode pushes; as many as can be read.
    public internal(set) var stack: [UInt64] = []
    /// The nearest symbol of an ELF image at or before the instruction, and how far it is from there in bytes.
    public internal(set) var symbol: String?

    init(
        registers: GeneralRegisters, special: SpecialRegisters, instruction: InstructionBytes = InstructionBytes([])
    ) {
        self.registers = registers
        self.special = special
        self.instruction = instruction
    }

    var mode: CPUMode {
        special.cr0.contains(.protectionEnable)
            ? special.efer.contains(.longModeActive) && special.cs.isLong ? .long : .protected : .real
    }

    /// What a push takes, in bytes.
    var wordSize: UInt64 { mode == .long ? 8 : special.cs.is32Bit ? 4 : 2 }

    /// Linear, of the top of the stack.
    var stackAddress: UInt64 {
        if mode == .long { return registers.rsp }
        let offset = special.ss.is32Bit ? registers.rsp & 0xFFFF_FFFF : registers.rsp & 0xFFFF
        return special.ss.base &+ offset
    }

    /// Where the instruction is, as people call it: segment and offset in real mode, else the linear address, and the symbol there.
    public var place: String {
        if mode == .real {
            let (segment, offset) = (UInt64(special.cs.selector), registers.rip & 0xFFFF)
            return "\(padded(segment, digits: 4)):\(padded(offset, digits: 4))"
        }
        return hex(instructionAddress) + (symbol.map { " (\($0))" } ?? "")
    }

    /// Linear: the code segment's base and the instruction pointer.
    public var instructionAddress: UInt64 {
        special.efer.contains(.longModeActive) ? registers.rip : special.cs.base &+ registers.rip
    }

    /// The rule that the state breaks, for a processor that refused it.
    var entryHint: String {
        let state = CPUState(registers: registers, special: special)
        return state.entryViolation().map { "; \($0)" } ?? ""
    }

    /// Whether KVM had reset the vCPU before the state was read: AMD-V loses the registers at a triple fault.
    public var isAfterReset: Bool {
        special.cs.base == 0xFFFF_0000 && registers.rip == 0xFFF0
    }

    /// What to do about an instruction that was not emulated.
    var emulationHint: String {
        if instruction.count == 0 { return "; there is no memory there: a jump went astray" }
        let name = InstructionName.find(instruction.bytes).map { " (\($0))" } ?? ""
        return ", \(instruction)\(name); this host's KVM emulates some processor modes in software and lacks it there: "
            + "use another instruction, run it in ring 3, or use a host with VT-x or AMD-V"
    }
}

extension CPUSnapshot: CustomStringConvertible {
    /// Several lines of 80 columns at most, unless a segment's base is above 4 GiB.
    public var description: String {
        let general: [(String, UInt64)] = [
            ("rax", registers.rax), ("rbx", registers.rbx), ("rcx", registers.rcx), ("rdx", registers.rdx),
            ("rsi", registers.rsi), ("rdi", registers.rdi), ("rbp", registers.rbp), ("rsp", registers.rsp),
            ("r8 ", registers.r8), ("r9 ", registers.r9), ("r10", registers.r10), ("r11", registers.r11),
            ("r12", registers.r12), ("r13", registers.r13), ("r14", registers.r14), ("r15", registers.r15),
            ("rip", registers.rip), ("flg", registers.rflags.rawValue), ("cr2", special.cr2), ("cr3", special.cr3),
            ("cr0", special.cr0.rawValue), ("cr4", special.cr4.rawValue), ("efr", special.efer.rawValue),
        ]
        var lines: [String] = []
        for start in stride(from: 0, to: general.count, by: 3) {
            lines.append(
                general[start...].prefix(3).map { "\($0.0) \(padded($0.1, digits: 16))" }.joined(separator: "  "))
        }
        let segments: [(String, Segment)] = [
            ("cs", special.cs), ("ds", special.ds), ("es", special.es), ("fs", special.fs), ("gs", special.gs),
            ("ss", special.ss), ("tr", special.tr), ("ldt", special.ldt),
        ]
        for start in stride(from: 0, to: segments.count, by: 2) {
            lines.append(segments[start...].prefix(2).map { Self.line($0.0, $0.1) }.joined(separator: " "))
        }
        lines.append(
            "gdt \(hex(special.gdt.base)) limit \(hex(special.gdt.limit))"
                + "  idt \(hex(special.idt.base)) limit \(hex(special.idt.limit))")
        if isAfterReset {
            lines.append("These are the registers after a reset: this host loses them at a triple fault.")
        }
        if !stack.isEmpty {
            lines.append("stack: " + stack.map { padded($0, digits: Int(wordSize) * 2) }.joined(separator: " "))
        }
        lines.append("code at \(hex(instructionAddress)): \(instruction.count == 0 ? "no memory" : "\(instruction)")")
        return lines.joined(separator: "\n")
    }

    private static func line(_ name: String, _ segment: Segment) -> String {
        let mode = segment.isLong ? "64" : segment.is32Bit ? "32" : "16"
        return "\(name) \(padded(UInt64(segment.selector), digits: 4)) base \(padded(segment.base, digits: 8))"
            + " limit \(padded(UInt64(segment.limit), digits: 8)) \(mode)"
    }
}

private func padded(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// Names for the instructions that guests most often meet as "not emulated", by their opcode (Intel SDM vol. 2).
enum InstructionName {
    private static let known: [(opcode: [UInt8], name: String)] = [
        ([0xCC], "INT3"),
        ([0xCD], "INT n"),
        ([0x0F, 0x01, 0xC1], "VMCALL"),
        ([0x0F, 0x01, 0xD9], "VMMCALL"),
        ([0x0F, 0x01, 0xCA], "CLAC"),
        ([0x0F, 0x01, 0xCB], "STAC"),
        ([0x0F, 0x01, 0xD0], "XGETBV"),
        ([0x0F, 0x01, 0xD1], "XSETBV"),
        ([0x0F, 0xAE], "XSAVE or XRSTOR family"),
        ([0x0F, 0xB8], "POPCNT"),
        ([0x0F, 0xC7], "CMPXCHG16B or XSAVE family"),
        ([0x0F, 0x38, 0x82], "INVPCID"),
    ]

    /// - Parameter bytes: an instruction with its prefixes.
    static func find(_ bytes: [UInt8]) -> String? {
        let opcode = bytes.drop { byte in
            switch byte {
            case 0x26, 0x2E, 0x36, 0x3E, 0x64...0x67, 0xF0, 0xF2, 0xF3, 0x40...0x4F: true
            default: false
            }
        }
        return known.first { opcode.starts(with: $0.opcode) }?.name
    }
}
