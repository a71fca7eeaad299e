/// Whether a flat image can begin with its first bytes (Intel SDM vol. 2 appendix A, the opcode maps).
enum FirstInstruction {
    /// How many bytes tell it.
    static let searchSize = 16

    /// Why not, behind a name of what begins so; nil for what may be an instruction.
    static func fault(_ start: [UInt8], mode: CPUMode) -> String? {
        if start.count >= searchSize, start.prefix(searchSize).allSatisfy({ $0 == 0 }) {
            return "begins with zeros, which are no code"
        }
        var code = start.prefix(15)[...]
        while let byte = code.first, isPrefix(byte, mode) { code = code.dropFirst() }
        guard let opcode = code.first, isInvalid(opcode, code.dropFirst().first, mode) else { return nil }
        let bytes = start.prefix(code.startIndex + 2).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return "begins with \(bytes.joined(separator: " ")), which is no instruction in \(mode) mode"
    }

    private static func isPrefix(_ byte: UInt8, _ mode: CPUMode) -> Bool {
        switch byte {
        case 0x26, 0x2E, 0x36, 0x3E, 0x64...0x67, 0xF0, 0xF2, 0xF3: true
        case 0x40...0x4F: mode == .long
        default: false
        }
    }

    /// - Parameter next: the byte behind the opcode, of which the bits 5 to 3 may be part of it.
    private static func isInvalid(_ opcode: UInt8, _ next: UInt8?, _ mode: CPUMode) -> Bool {
        let extended = next.map { $0 >> 3 & 7 }
        switch opcode {
        case 0x0F:
            // UD2 (0F 0B) is an instruction. 0F 04 and the like are not.
            return [0x04, 0x0A, 0x0C, 0x24, 0x25, 0x26, 0x27, 0x36, 0x39, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0xFF]
                .contains(next)
        case 0xFE: return extended.map { $0 > 1 } ?? false
        case 0xFF: return extended == 7
        case 0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x60, 0x61, 0x82, 0x9A, 0xCE, 0xD4, 0xD5,
            0xD6, 0xEA:
            return mode == .long
        default: return false
        }
    }
}
