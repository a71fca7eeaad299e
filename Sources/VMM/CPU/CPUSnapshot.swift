import DeviceModel
import KVM

/// A vCPU's state when its guest failed, for people.
public struct CPUSnapshot: Equatable, Sendable {
    public internal(set) var registers: GeneralRegisters
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

    /// The same of the `INT` before it.
    var callPlace: String {
        var before = self
        before.registers.rip = (registers.rip &- 2) & 0xFFFF
        return before.place
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
}

extension CPUSnapshot: CustomStringConvertible {
    /// By the manuals' names, those of 64 bits.
    private var namedRegisters: [(name: String, value: UInt64)] {
        [
            ("rax", registers.rax), ("rbx", registers.rbx), ("rcx", registers.rcx), ("rdx", registers.rdx),
            ("rsi", registers.rsi), ("rdi", registers.rdi), ("rbp", registers.rbp), ("rsp", registers.rsp),
            ("r8", registers.r8), ("r9", registers.r9), ("r10", registers.r10), ("r11", registers.r11),
            ("r12", registers.r12), ("r13", registers.r13), ("r14", registers.r14), ("r15", registers.r15),
            ("rip", registers.rip), ("flg", registers.rflags.rawValue), ("cr2", special.cr2), ("cr3", special.cr3),
            ("cr0", special.cr0.rawValue), ("cr4", special.cr4.rawValue), ("efr", special.efer.rawValue),
        ]
    }

    /// Several lines of 80 columns at most, unless a segment's base is above 4 GiB.
    public var description: String {
        var lines: [String] = []
        let registers = namedRegisters
        for start in stride(from: 0, to: registers.count, by: 3) {
            lines.append(
                registers[start...].prefix(3)
                    .map { ($0.name.count < 3 ? "\($0.name) " : $0.name) + " \(padded($0.value, digits: 16))" }.joined(
                        separator: "  "))
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

/// The form that `--report` has.
extension CPUSnapshot: Encodable {
    private enum CodingKeys: String, CodingKey {
        case place, registers, instruction, stack
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(place, forKey: .place)
        try container.encode(reportedRegisters, forKey: .registers)
        try container.encode("\(instruction)", forKey: .instruction)
        try container.encode(reportedStack, forKey: .stack)
    }

    /// As they are encoded: by their names, in hexadecimal.
    public var reportedRegisters: [String: String] {
        let long = ["flg": "rflags", "efr": "efer"]
        return Dictionary(uniqueKeysWithValues: namedRegisters.map { (long[$0.name] ?? $0.name, hex($0.value)) })
    }

    /// As it is encoded.
    public var reportedStack: [String] { stack.map { hex($0) } }
}
