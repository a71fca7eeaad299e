import Glibc
import KVM
import LinuxHost
import SystemPackage
import TestSupport
import Testing

@Suite("Memory slots")
struct MemorySlotTests {
    private static let beyond = KVMError.call(
        "map guest memory beyond the end of its backing", Errno(rawValue: EINVAL))

    @Test(
        "a part that is not inside its backing is refused", .requiresKVM,
        arguments: [
            (offset: 0, size: 0x3000), (offset: 0x1000, size: 0x2000), (offset: 0x2000, size: 0x1000),
            (offset: -0x1000, size: 0x1000), (offset: 0, size: 0), (offset: 0, size: -0x1000),
            (offset: .max, size: 0x1000), (offset: 0x1000, size: .max), (offset: .min, size: .max),
        ])
    func refusesParts(offset: Int, size: Int) throws {
        let machine = try KVMSystem().makeVirtualMachine()
        let memory = try HostMemory(size: 0x2000)
        let error: KVMError?
        do throws(KVMError) {
            try machine.map(memory, offset: offset, size: size, slot: 0, at: 0)
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error == Self.beyond)
    }

    @Test(
        "what is not whole pages is refused by KVM", .requiresKVM,
        arguments: [
            (offset: 0, size: 0x800, address: 0), (offset: 0, size: 0x1000, address: 0x800),
            (offset: 0x10, size: 0x1000, address: 0), (offset: 0, size: 0x1000, address: .max - 0xFFE),
        ] as [(offset: Int, size: Int, address: UInt64)])
    func refusesUnalignedParts(offset: Int, size: Int, address: UInt64) throws {
        let machine = try KVMSystem().makeVirtualMachine()
        let memory = try HostMemory(size: 0x2000)
        let error = Self.refusal(of: machine, memory, offset, size, slot: 0, at: address)
        #expect(error == .call("map \(size) bytes of guest memory", Errno(rawValue: EINVAL)))
    }

    @Test("two slots at one place are refused", .requiresKVM)
    func refusesOverlap() throws {
        let machine = try KVMSystem().makeVirtualMachine()
        let memory = try HostMemory(size: 0x2000)
        try machine.map(memory, size: 0x2000, slot: 0, at: 0x1_0000)
        let error = Self.refusal(of: machine, memory, 0, 0x1000, slot: 1, at: 0x1_1000)
        #expect(error == .call("map 4096 bytes of guest memory", Errno(rawValue: EEXIST)))
    }

    @Test("one backing serves several slots, each with its own part", .requiresKVM)
    func mapsParts() throws {
        // Reads 0x2000 and 0x3000, which are the backing's second and first page.
        let code: [UInt8] = [
            0xA0, 0x00, 0x20,  // movb 0x2000, %al
            0xE6, 0x42,  // outb %al, $0x42
            0xA0, 0x00, 0x30,  // movb 0x3000, %al
            0xE6, 0x42,  // outb %al, $0x42
        ]
        var machine = try TestMachine(code, memorySize: 0x2000)
        let memory = try HostMemory(size: 0x2000)
        memory.store([0x11], at: 0)
        memory.store([0x22], at: 0x1000)
        try machine.map(memory, offset: 0x1000, size: 0x1000, slot: 1, at: 0x2000)
        try machine.map(memory, offset: 0, size: 0x1000, slot: 2, at: 0x3000)
        for expected in [0x22, 0x11] as [UInt8] {
            let exit = try machine.vcpu.nextExit()
            #expect(exit == .portWrite(PortAccess(port: 0x42, width: 1, count: 1)))
            let bytes = machine.vcpu.portBytes()
            #expect(bytes == [expected])
        }
    }

    @Test("memory that the system cannot give is an error", arguments: [0, -4096, .max])
    func hostMemory(size: Int) {
        #expect(throws: HostError.self) { _ = try HostMemory(size: size) }
    }

    @Test("memory that asks for huge pages begins at a multiple of them, and all of it can be written")
    func hugePages() throws {
        for size in [0x1000, 2 << 20, (4 << 20) + 0x1000] {
            let memory = try HostMemory(size: size, hasHugePages: true)
            #expect(memory.address(at: 0) % (2 << 20) == 0)
            // SAFETY: the memory lives for the length of the block, and nobody else has it.
            let bytes = unsafe memory.bytes
            #expect(bytes.count == size)
            for offset in stride(from: 0, to: size, by: 0x1000) {
                #expect(unsafe bytes[offset] == 0)
                unsafe bytes[offset] = 1
            }
        }
        #expect(throws: HostError.self) { _ = try HostMemory(size: .max & ~0xFFF, hasHugePages: true) }
    }

    @Test("memory is zero at first, and costs nothing until it is touched")
    func freshMemory() throws {
        // More than a small host has.
        let memory = try HostMemory(size: 64 << 30)
        #expect(memory.load(16, at: 63 << 30) == [UInt8](repeating: 0, count: 16))
    }

    private static func refusal(
        of machine: borrowing KVMVirtualMachine, _ memory: HostMemory, _ offset: Int, _ size: Int, slot: UInt32,
        at address: UInt64
    ) -> KVMError? {
        do throws(KVMError) {
            try machine.map(memory, offset: offset, size: size, slot: slot, at: address)
            return nil
        } catch {
            return error
        }
    }
}
