import Glibc
import KVM
import LinuxHost
import SystemPackage
import TestSupport
import Testing

@Suite("The life of a vCPU")
struct VCPULifetimeTests {
    /// Prints the byte at 0x2000 for ever.
    private static let code: [UInt8] = [
        0xA0, 0x00, 0x20,  // movb 0x2000, %al
        0xE6, 0x42,  // outb %al, $0x42
        0xEB, 0xF9,  // jmp to the start
    ]

    private static func makeVCPU(_ memory: HostMemory) throws -> KVMVCPU {
        let machine = try KVMSystem().makeVirtualMachine()
        try machine.map(memory, size: memory.size, slot: 0, at: 0)
        return try machine.makeVCPU(id: 0)
    }

    @Test("a vCPU runs on after the system's and the machine's handles are gone, and its memory is there", .requiresKVM)
    func outlivesHandles() throws {
        var memory: HostMemory? = try HostMemory(size: 0x8000)
        weak let observed = memory
        var vcpu = try Self.makeVCPU(try #require(memory))
        memory?.store(Self.code, at: 0x1000)
        memory?.store([0x77], at: 0x2000)
        memory = nil
        #expect(observed != nil)
        try vcpu.enterRealMode(at: 0x1000)
        for _ in 0..<3 {
            let exit = try vcpu.nextExit()
            #expect(exit == .portWrite(PortAccess(port: 0x42, width: 1, count: 1)))
            let bytes = vcpu.portBytes()
            #expect(bytes == [0x77])
        }
    }

    @Test("memory goes with the last of machine and vCPU", .requiresKVM)
    func releasesMemory() throws {
        weak var observed: HostMemory?
        do {
            let memory = try HostMemory(size: 0x8000)
            observed = memory
            _ = try Self.makeVCPU(memory)
        }
        #expect(observed == nil)
    }

    @Test("a number that a vCPU has already is refused", .requiresKVM)
    func sameNumber() throws {
        let machine = try KVMSystem().makeVirtualMachine()
        let first = try machine.makeVCPU(id: 0)
        let error: KVMError?
        do throws(KVMError) {
            _ = try machine.makeVCPU(id: 0)
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error == .call("create vCPU 0", Errno(rawValue: EEXIST)))
        _ = consume first
    }

    @Test("a number beyond KVM's limit is refused", .requiresKVM)
    func largeNumber() throws {
        let machine = try KVMSystem().makeVirtualMachine()
        let error: KVMError?
        do throws(KVMError) {
            _ = try machine.makeVCPU(id: .max)
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error == .call("create vCPU 4294967295", Errno(rawValue: EINVAL)))
    }

    @Test("the pages that KVM takes for itself lie in the hole below 4 GiB, and are four", .requiresKVM)
    func reservedPages() {
        let pages = KVMVirtualMachine.reservedPages
        #expect(pages.lowerBound == 0xFFFB_C000)
        #expect(pages.upperBound == 0xFFFC_0000)
    }
}
