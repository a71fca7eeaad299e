import KVM
import Testing

@testable import VMM

@Suite("What a guest's CPUID answers")
struct GuestCPUIDTests {
    private static func leaf(_ function: UInt32, index: UInt32 = 0) -> CPUID.Leaf {
        CPUID.Leaf(
            function: function, index: index, dependsOnIndex: index > 0, eax: 0x1111_1111, ebx: 0x2222_2222,
            ecx: 0x3333_3333, edx: 0x4444_4444)
    }

    // Intel SDM vol. 2A, CPUID: leaf 1 has the initial APIC id in EBX bits 31 to 24, leaves 0xB and 0x1F the x2APIC id in
    // EDX, at every index.
    @Test("a processor's number is the vCPU's, not that of the host's processor that was asked")
    func numbers() {
        let host = CPUID([Self.leaf(1), Self.leaf(0xB), Self.leaf(0xB, index: 1), Self.leaf(0x1F)])
        let guest = host.forGuest(vcpu: 5, hasLocalAPIC: false)
        var expected = host
        expected.leaves[0].ebx = 0x0522_2222
        // No local APIC: bits 21 (x2APIC) and 24 (TSC deadline) of ECX are gone; bit 9 of EDX was not set.
        expected.leaves[0].ecx = 0x3213_3333
        for index in 1...3 { expected.leaves[index].edx = 5 }
        #expect(guest == expected)
        #expect(host.forGuest(vcpu: 0, hasLocalAPIC: false).leaves[0].ebx == 0x0022_2222)
    }

    @Test("with interrupt controllers the local APIC is the host's answer")
    func localAPIC() {
        var host = CPUID([Self.leaf(1)])
        host.leaves[0].edx |= 1 << 9
        var expected = host
        expected.leaves[0].ebx = 0x0122_2222
        #expect(host.forGuest(vcpu: 1, hasLocalAPIC: true) == expected)
        #expect(host.forGuest(vcpu: 1, hasLocalAPIC: false).leaves[0].edx == 0x4444_4444 & ~(1 << 9))
    }

    @Test("everything else is the host's, in the host's order")
    func rest() {
        let host = CPUID([Self.leaf(0), Self.leaf(7), Self.leaf(0xD, index: 1), Self.leaf(0x8000_0008)])
        #expect(host.forGuest(vcpu: 3, hasLocalAPIC: false) == host)
    }
}
