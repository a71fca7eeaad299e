import KVM
import Testing

@Suite("Instruction bytes")
struct InstructionBytesTests {
    private static let fifteen = (1...15).map { UInt8($0 * 0x11 & 0xFF) }

    @Test("bytes come back in order", arguments: 0...15)
    func keepsBytes(count: Int) {
        let bytes = Array(Self.fifteen.prefix(count))
        let instruction = InstructionBytes(bytes)
        #expect(instruction.count == count)
        #expect(instruction.bytes == bytes)
    }

    @Test("no instruction is longer than 15 bytes, and more are left out")
    func cutsOff() {
        let instruction = InstructionBytes(Self.fifteen + [0xAA, 0xBB])
        #expect(instruction.bytes == Self.fifteen)
        #expect(instruction == InstructionBytes(Self.fifteen))
    }

    @Test("instructions differ by bytes and by length")
    func comparison() {
        #expect(InstructionBytes([0x0F]) != InstructionBytes([0x0F, 0x00]))
        #expect(InstructionBytes([0x0F]) != InstructionBytes([0x0E]))
        #expect(InstructionBytes([]) == InstructionBytes([]))
    }

    @Test("the text is hexadecimal, two digits a byte")
    func text() {
        #expect(InstructionBytes([0x0F, 0x0B]).description == "0f 0b")
        #expect(InstructionBytes([]).description == "")
        #expect(
            InstructionBytes(Self.fifteen).description == "11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff")
    }
}
