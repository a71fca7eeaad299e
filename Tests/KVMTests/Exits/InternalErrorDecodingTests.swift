import Testing

@testable import KVM

/// `struct kvm_run`'s member `emulation_failure`: sub-error at 32, the number of data words at 36, flags at 40 (bit 0: the
/// instruction follows), its length at 48 and its bytes at 49 (Linux include/uapi/linux/kvm.h).
@Suite("Decoding of internal errors")
struct InternalErrorDecodingTests {
    private static let code = (1...15).map { UInt8($0) }

    private static func exit(
        suberror: UInt32 = 1, words: UInt32 = 3, flags: UInt64 = 1, length: UInt8 = 15
    ) throws -> VCPUExit {
        let fake = try FakeRunPage()
        fake.store(UInt32(17), at: 8)
        fake.store(suberror, at: 32)
        fake.store(words, at: 36)
        fake.store(flags, at: 40)
        fake.store(length, at: 48)
        fake.store(code, at: 49)
        return fake.page.exit
    }

    @Test("the instruction that was not emulated is given", arguments: [0, 1, 7, 8, 9, 15] as [UInt8])
    func instruction(length: UInt8) throws {
        #expect(
            try Self.exit(length: length)
                == .internalError(suberror: 1, instruction: InstructionBytes(Self.code.prefix(Int(length)))))
    }

    @Test("a length that no instruction has is cut to 15", arguments: [16, 255] as [UInt8])
    func cutsLength(length: UInt8) throws {
        #expect(
            try Self.exit(length: length) == .internalError(suberror: 1, instruction: InstructionBytes(Self.code)))
    }

    @Test("no bytes are given where the kernel does not say that they are there")
    func noInstruction() throws {
        let none = VCPUExit.internalError(suberror: 1, instruction: InstructionBytes([]))
        #expect(try Self.exit(flags: 0) == none)
        #expect(try Self.exit(flags: 2) == none)
        #expect(try Self.exit(words: 2) == none)
        #expect(try Self.exit(words: 0) == none)
    }

    @Test("other internal errors keep their number and have no instruction", arguments: [2, 3, 4, 77] as [UInt32])
    func otherErrors(number: UInt32) throws {
        #expect(
            try Self.exit(suberror: number)
                == .internalError(suberror: number, instruction: InstructionBytes([])))
    }
}
