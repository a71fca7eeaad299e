import KVM
import TestSupport
import Testing

@testable import VMM

/// Kernels that a loader on a PC would have loaded, after a BIOS.
@Suite("What a BIOS leaves to a Multiboot kernel", .requiresKVM)
struct LeftByBIOSTests {
    /// At 0x8000, behind a Multiboot header of 12 bytes.
    private static func image(_ code: [UInt8]) -> ImageSource {
        var builder = ELFBuilder()
        builder.is64Bit = false
        builder.entry = 0x800C
        builder.segments[0].virtualAddress = 0x8000
        builder.segments[0].physicalAddress = 0x8000
        builder.segments[0].content = LoaderSeed.multibootHeader(flags: 3) + code
        return .bytes(builder.bytes)
    }

    private static func run(_ code: [UInt8]) throws -> GuestRun { try GuestRun(image(code)) }

    @Test("the timer ticks, at vector 8, and the PICs let it and the keyboard through")
    func tick() throws {
        let run = try Self.run([
            0xBC, 0x00, 0x90, 0x00, 0x00,  // mov $0x9000, %esp
            0xE4, 0x21, 0xE6, 0xE9,  // in $0x21, %al; out %al, $0xe9
            0xE4, 0xA1, 0xE6, 0xE9,  // in $0xa1, %al; out %al, $0xe9
            // Read-back of channel 0's status, without the state of its output.
            0xB0, 0xE2, 0xE6, 0x43, 0xE4, 0x40, 0x24, 0x3F, 0xE6, 0xE9,
            0xFB, 0xF4, 0xEB, 0xFD,  // sti; 1: hlt; jmp 1b
        ])
        #expect(run.output == [0xF8, 0xFF, 0x36])
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(exception.isTick)
        #expect(exception.errorCode == nil)
        #expect((0x8024...0x8026).contains(exception.state.registers.rip))
        #expect(exception.state.registers.rsp == 0x9000)
        #expect(
            exception.what == "the timer's interrupt, at vector 8 where a BIOS puts it (program the PICs before STI)")
    }

    @Test("a double fault whose stack cannot be read is not taken for the timer's interrupt", arguments: [false, true])
    func unreadableStack(isReadable: Bool) throws {
        let machine = try VirtualMachine(MachineConfiguration(image: Self.image([0xF4])))
        var state = try machine.first.snapshot()
        // Zeros, as a double fault pushes one, or what is no RAM.
        state.registers.rsp = isReadable ? 0x90000 : 0xC000_0000
        #expect(try !machine.first.exception(8, state).isTick)
    }

    @Test(
        "the tick that comes twice, or a fault at the gate that it came to, is told by where the guest was",
        arguments: [false, true])
    func twice(isFault: Bool) throws {
        let machine = try VirtualMachine(MachineConfiguration(image: Self.image([0xF4])))
        var state = try machine.first.snapshot()
        let gates = try #require(machine.parts.gates.first)
        let gate = UInt32(gates.stubs + 8 * 4)
        #expect(gates.vector(at: UInt64(gate)) == 8)
        // A double fault's code, where it is one; the frame at the gate's first instruction; and the tick's frame behind it.
        let words = (isFault ? [0] : []) + [gate, 8, 2, 0x8024, 8, 0x202]
        let stack = 0x9000 - UInt64(words.count) * 4
        for (index, word) in words.enumerated() {
            try machine.parts.host.memory.store(UInt32(word), at: GuestAddress(stack + UInt64(index) * 4))
        }
        state.registers.rsp = stack
        let exception = try machine.first.exception(8, state)
        #expect(exception.isTick)
        #expect(exception.state.registers.rip == 0x8024)
        #expect(exception.state.registers.rsp == 0x9000)
    }

    @Test("a kernel that goes back to real mode and calls a BIOS is told that there is none")
    func realMode() throws {
        let run = try Self.run([
            0x0F, 0x01, 0x15, 0x59, 0x80, 0, 0,  // lgdt 0x8059
            0xEA, 0x1A, 0x80, 0, 0, 8, 0,  // ljmp $8, $0x801a
            0xB8, 0x10, 0x00, 0x8E, 0xD0,  // of 16 bits from here: mov $0x10, %ax; mov %ax, %ss
            // mov %cr0, %eax; and $0xfe, %al; mov %eax, %cr0; ljmp $0, $0x802c
            0x0F, 0x20, 0xC0, 0x24, 0xFE, 0x0F, 0x22, 0xC0, 0xEA, 0x2C, 0x80, 0, 0,
            0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xD0,  // xor %ax, %ax; mov %ax, %ds; mov %ax, %ss
            0xBC, 0x00, 0x70, 0x66, 0x0F, 0x01, 0x1E, 0x5F, 0x80,  // mov $0x7000, %sp; lidtl 0x805f
            0xB8, 0x20, 0xE8, 0xCD, 0x15, 0xF4,  // mov $0xe820, %ax; int $0x15; hlt
            // Descriptors: none, code and data of 16 bits; their table's limit and place, and the interrupt table's.
            0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0x9B, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0x93, 0, 0,
            23, 0, 0x41, 0x80, 0, 0, 0xFF, 0x03, 0, 0, 0, 0,
        ])
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(exception.isCall)
        #expect(
            exception.description
                == "the guest has no handler for what came at 0000:8040: INT 0x15 was called, with AX 0xe820; only a boot sector has a BIOS here"
        )
    }
}
