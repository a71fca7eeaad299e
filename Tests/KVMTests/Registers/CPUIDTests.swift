import KVM
import TestSupport
import Testing

@Suite("CPUID")
struct CPUIDTests {
    private static func leaf(_ function: UInt32, eax: UInt32) -> CPUID.Leaf {
        CPUID.Leaf(function: function, eax: eax, ebx: 0, ecx: 0, edx: 0)
    }

    @Test("a leaf is found by its function, the first where there are several; one that is missing is nil")
    func subscripting() {
        let cpuid = CPUID([Self.leaf(0, eax: 1), Self.leaf(4, eax: 2), Self.leaf(4, eax: 3)])
        #expect(cpuid[4] == Self.leaf(4, eax: 2))
        #expect(cpuid[5] == nil)
    }

    @Test(
        "the width of guest-physical addresses is leaf 0x80000008's lowest byte, or else 36",
        arguments: [(0x3030, 48), (0x302E, 46), (0x0034, 52), (0x3000, 36)] as [(UInt32, Int)])
    func physicalAddressBits(eax: UInt32, bits: Int) {
        #expect(CPUID([Self.leaf(0x8000_0008, eax: eax)]).physicalAddressBits == bits)
        #expect(CPUID([Self.leaf(1, eax: eax)]).physicalAddressBits == 36)
    }

    @Test("the host supports a 64-bit processor with a plausible address width", .requiresKVM)
    func supported() throws {
        let cpuid = try KVMSystem().supportedCPUID()
        #expect(cpuid.leaves.count >= 5)
        // 32 bits is the smallest that any 64-bit guest could use, 52 the architecture's limit.
        #expect((32...52).contains(cpuid.physicalAddressBits))
        let basic = try #require(cpuid[0])
        #expect(basic.eax >= 1)
        let features = try #require(cpuid[0x8000_0001])
        #expect(features.edx & 1 << 29 != 0, "long mode")
    }

    @Test("the guest's CPUID instruction answers what was set", .requiresKVM)
    func guestSees() throws {
        var machine = try TestMachine([
            0x66, 0xB8, 0x00, 0x00, 0x00, 0x40,  // movl $0x40000000, %eax
            0x0F, 0xA2,  // cpuid
            0xF4,  // hlt
        ])
        // The range for hypervisors, which no hardware shows through.
        var cpuid = try KVMSystem().supportedCPUID()
        cpuid.leaves.removeAll { $0.function >> 16 == 0x4000 }
        cpuid.leaves.append(
            CPUID.Leaf(
                function: 0x4000_0000, eax: 0x4000_0000, ebx: 0x1111_2222, ecx: 0x3333_4444, edx: 0x5555_6666))
        try machine.vcpu.setCPUID(cpuid)
        let exit = try machine.vcpu.nextExit()
        #expect(exit == .halt)
        let registers = try machine.vcpu.registers()
        #expect(registers.rax == 0x4000_0000)
        #expect(registers.rbx == 0x1111_2222)
        #expect(registers.rcx == 0x3333_4444)
        #expect(registers.rdx == 0x5555_6666)
    }
}
