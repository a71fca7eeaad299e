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
