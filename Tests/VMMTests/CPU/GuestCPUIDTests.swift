import KVM
import Testing

@testable import VMM

@Suite("What a guest's CPUID answers")
struct GuestCPUIDTests {
    private static func leaf(_ function: UInt32, index: UInt32 = 0, eax: UInt32 = 0x1111_1111) -> CPUID.Leaf {
        CPUID.Leaf(
            function: function, index: index, dependsOnIndex: index > 0, eax: eax, ebx: 0x2222_2222,
            ecx: 0x3333_3333, edx: 0x4444_4444)
    }

    // Intel SDM vol. 2A, CPUID: leaf 1 has the initial APIC id in EBX bits 31 to 24 and how many ids the package has in bits
    // 23 to 16, leaves 0xB and 0x1F the x2APIC id in EDX, at every index.
    @Test("a processor's number is the vCPU's, not that of the host's processor that was asked")
    func numbers() {
        let host = CPUID([Self.leaf(1), Self.leaf(0xB), Self.leaf(0xB, index: 1), Self.leaf(0x1F)])
        let guest = host.forGuest(vcpu: 5, of: 6, hasLocalAPIC: false)
        #expect(guest.leaves[0].ebx == 0x0508_2222)
        #expect(guest.leaves[0].eax == 0x1111_1111)
        // No local APIC: bits 21 (x2APIC) and 24 (TSC deadline) of ECX are gone; bit 9 of EDX was not set.
        #expect(guest.leaves[0].ecx == 0x3213_3333)
        #expect(guest.leaves[0].edx == 0x5444_4444)
        for index in 1...3 { #expect(guest.leaves[index].edx == 5) }
        #expect(host.forGuest(vcpu: 0, of: 1, hasLocalAPIC: false).leaves[0].ebx == 0x0001_2222)
    }

    @Test("with interrupt controllers the local APIC is the host's answer")
    func localAPIC() {
        var host = CPUID([Self.leaf(1)])
        host.leaves[0].edx |= 1 << 9
        #expect(host.forGuest(vcpu: 1, of: 2, hasLocalAPIC: true).leaves[0].edx == 0x5444_4644)
        #expect(host.forGuest(vcpu: 1, of: 2, hasLocalAPIC: true).leaves[0].ecx == 0x3333_3333)
        #expect(host.forGuest(vcpu: 1, of: 2, hasLocalAPIC: false).leaves[0].edx == 0x5444_4444)
    }

    struct Topology: Sendable {
        let count: Int
        /// How many bits of an APIC id tell the core.
        let bits: UInt32
    }

    @Test(
        "vCPUs are cores of one package, without threads",
        arguments: [
            Topology(count: 1, bits: 0), Topology(count: 2, bits: 1), Topology(count: 3, bits: 2),
            Topology(count: 4, bits: 2), Topology(count: 5, bits: 3), Topology(count: 64, bits: 6),
            Topology(count: 65, bits: 7), Topology(count: 255, bits: 8),
        ])
    func topology(_ topology: Topology) {
        let host = CPUID([
            Self.leaf(1), Self.leaf(4, eax: 0xFC00_4121), Self.leaf(4, index: 3, eax: 0), Self.leaf(0xB),
            Self.leaf(0xB, index: 1), Self.leaf(0xB, index: 2), Self.leaf(0x8000_0008), Self.leaf(0x8000_001E),
        ])
        let (count, bits) = (UInt32(topology.count), topology.bits)
        let last = count - 1
        let leaves = host.forGuest(vcpu: last, of: topology.count, hasLocalAPIC: true).leaves
        // HTT, EDX bit 28, says that the package can hold more than one.
        #expect(leaves[0].edx & 1 << 28 == (count > 1 ? 1 << 28 : 0))
        #expect(leaves[0].ebx >> 16 == last << 8 | (1 << bits) & 0xFF)
        #expect(leaves[1].eax == min(63, 1 << bits - 1) << 26 | 0x4121)
        #expect(leaves[2] == host.leaves[2])
        #expect([leaves[3].eax, leaves[3].ebx, leaves[3].ecx] == [0, 1, 0x100])
        #expect([leaves[4].eax, leaves[4].ebx, leaves[4].ecx] == [bits, count, 0x201])
        #expect([leaves[5].eax, leaves[5].ebx, leaves[5].ecx] == [0, 0, 2])
        // AMD APM vol. 3, appendix E: NC, the cores but one, and ApicIdCoreIdSize; the extended APIC id and the core's.
        #expect(leaves[6].ecx == 0x3333_0300 | bits << 12 | last)
        #expect([leaves[7].eax, leaves[7].ebx & 0xFFFF, leaves[7].ecx & 0x7FF] == [last, last, 0])
    }

    @Test("everything else is the host's, in the host's order")
    func rest() {
        let host = CPUID([Self.leaf(0), Self.leaf(7), Self.leaf(0xD, index: 1), Self.leaf(0x8000_0001)])
        #expect(host.forGuest(vcpu: 3, of: 4, hasLocalAPIC: false) == host)
    }
}
