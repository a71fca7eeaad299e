import KVM

/// What to do about an instruction that KVM did not emulate.
extension CPUSnapshot {
    var emulationHint: String {
        if instruction.count == 0 { return "; there is no memory there: a jump went astray" }
        if instruction.bytes.allSatisfy({ $0 == 0 }) {
            return ", \(instruction): zeros were run as code; a jump went astray, or the code ran past its end"
        }
        let host = "this host's KVM emulates some processor modes in software and lacks it there"
        switch InstructionName.find(instruction.bytes) {
        case InstructionName.simd? where special.cs.selector & 3 == 0:
            return
                ", \(instruction) (\(InstructionName.simd)); \(host): compile what runs in ring 0 with -mgeneral-regs-only, "
                + "run it in ring 3, or use a host with VT-x or AMD-V"
        case let name?:
            return ", \(instruction) (\(name)); \(host): "
                + "use another instruction, run it in ring 3, or use a host with VT-x or AMD-V"
        case nil:
            return ", \(instruction); if that is code of yours, \(host), and a host with VT-x or AMD-V runs it; "
                + "if it is not, data was run as code: a jump went astray, or the code is for another mode"
        }
    }
}

/// Names for the instructions that guests most often meet as "not emulated", by their opcode (Intel SDM vol. 2).
enum InstructionName {
    static let simd = "SSE or AVX"

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
        return known.first { opcode.starts(with: $0.opcode) }?.name ?? family(Array(opcode.prefix(2)))
    }

    /// By the opcode maps (vol. 2 appendix A): of two bytes behind 0F, and of VEX prefixes, which only 64-bit code is sure to have.
    private static func family(_ opcode: [UInt8]) -> String? {
        guard opcode.count == 2 else { return nil }
        switch (opcode[0], opcode[1]) {
        case (0x0F, 0x10...0x17), (0x0F, 0x28...0x2F), (0x0F, 0x38), (0x0F, 0x3A), (0x0F, 0x50...0x7F), (0x0F, 0xC2),
            (0x0F, 0xC4...0xC6), (0x0F, 0xD0...0xFE), (0xC4, _), (0xC5, _):
            return simd
        case (0xD8...0xDF, _): return "x87 floating point"
        default: return nil
        }
    }
}
