import KVM
import TestSupport
import Testing

@Suite("MMIO exits", .requiresKVM)
struct MMIOExitTests {
    /// Real-mode code that copies from segment 0xF000, where no RAM is, and back to it.
    private static let code: [UInt8] = [
        0xB8, 0x00, 0xF0,  // movw $0xF000, %ax
        0x8E, 0xC0,  // movw %ax, %es
        0x26, 0xA0, 0x10, 0x00,  // movb %es:0x10, %al
        0x26, 0x8B, 0x1E, 0x20, 0x00,  // movw %es:0x20, %bx
        0x26, 0x66, 0x8B, 0x0E, 0x30, 0x00,  // movl %es:0x30, %ecx
        0x26, 0xA2, 0x41, 0x00,  // movb %al, %es:0x41
        0x26, 0x89, 0x1E, 0x51, 0x00,  // movw %bx, %es:0x51
        0x26, 0x66, 0x89, 0x0E, 0x61, 0x00,  // movl %ecx, %es:0x61
        0xF4,  // hlt
    ]

    @Test("reads of 1, 2 and 4 bytes give the guest the answer's low bytes, and writes show theirs")
    func realMode() throws {
        var machine = try TestMachine(Self.code)
        for (offset, width) in [(0x10, 1), (0x20, 2), (0x30, 4)] as [(UInt64, UInt8)] {
            let exit = try machine.vcpu.nextExit()
            #expect(exit == .mmioRead(address: 0xF_0000 + offset, width: width))
            machine.vcpu.answerMMIORead(0x8877_6655_4433_2211)
        }
        let writes: [(offset: UInt64, width: UInt8, value: UInt64)] = [
            (0x41, 1, 0x11), (0x51, 2, 0x2211), (0x61, 4, 0x4433_2211),
        ]
        for (offset, width, value) in writes {
            let exit = try machine.vcpu.nextExit()
            #expect(exit == .mmioWrite(address: 0xF_0000 + offset, width: width, value: value))
        }
        let last = try machine.vcpu.nextExit()
        #expect(last == .halt)
    }

    @Test("a 64-bit access is one exit of 8 bytes")
    func longMode() throws {
        var machine = try TestMachine([
            0x48, 0xC7, 0xC0, 0x00, 0x00, 0x00, 0x30,  // movq $0x30000000, %rax
            0x48, 0x8B, 0x18,  // movq (%rax), %rbx
            0x48, 0x89, 0x58, 0x08,  // movq %rbx, 8(%rax)
            0xF4,  // hlt
        ])
        try machine.enterLongMode()
        let read = try machine.vcpu.nextExit()
        #expect(read == .mmioRead(address: 0x3000_0000, width: 8))
        machine.vcpu.answerMMIORead(0xFEDC_BA98_7654_3210)
        let write = try machine.vcpu.nextExit()
        #expect(write == .mmioWrite(address: 0x3000_0008, width: 8, value: 0xFEDC_BA98_7654_3210))
        let last = try machine.vcpu.nextExit()
        #expect(last == .halt)
        #expect(try machine.vcpu.registers().rbx == 0xFEDC_BA98_7654_3210)
    }

    @Test("an access across the end of RAM reaches RAM with one part and exits with the other")
    func straddles() throws {
        var machine = try TestMachine([
            0x66, 0xB8, 0x11, 0x22, 0x33, 0x44,  // movl $0x44332211, %eax
            0x66, 0xA3, 0xFE, 0x7F,  // movl %eax, 0x7FFE
            0xF4,  // hlt
        ])
        let exit = try machine.vcpu.nextExit()
        #expect(exit == .mmioWrite(address: 0x8000, width: 2, value: 0x4433))
        let last = try machine.vcpu.nextExit()
        #expect(last == .halt)
        #expect(machine.memory.load(2, at: 0x7FFE) == [0x11, 0x22])
    }
}
