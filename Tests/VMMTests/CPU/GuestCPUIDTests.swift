import KVM
import TestSupport
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
        let host = CPUID([Self.leaf(1)])
        let guest = host.forGuest(vcpu: 5, of: 6, hasLocalAPIC: false)
        #expect(guest.leaves[0].ebx == 0x0508_2222)
        #expect(guest.leaves[0].eax == 0x1111_1111)
        // No local APIC: bits 21 (x2APIC) and 24 (TSC deadline) of ECX are gone; bit 9 of EDX was not set. Bit 5 is VMX, 31 the hypervisor.
        #expect(guest.leaves[0].ecx == 0xB213_3313)
        #expect(guest.leaves[0].edx == 0x5444_4444)
        #expect(host.forGuest(vcpu: 0, of: 1, hasLocalAPIC: false).leaves[0].ebx == 0x0001_2222)
    }

    @Test("with interrupt controllers the local APIC is the host's answer")
    func localAPIC() {
        var host = CPUID([Self.leaf(1)])
        host.leaves[0].edx |= 1 << 9
        #expect(host.forGuest(vcpu: 1, of: 2, hasLocalAPIC: true).leaves[0].edx == 0x5444_4644)
        #expect(host.forGuest(vcpu: 1, of: 2, hasLocalAPIC: true).leaves[0].ecx == 0xB233_3313)
        #expect(host.forGuest(vcpu: 1, of: 2, hasLocalAPIC: false).leaves[0].edx == 0x5444_4444)
    }

    @Test("a local APIC's timer has its deadline mode where KVM's has it, whatever the answer to CPUID says")
    func deadlineTimer() {
        let host = CPUID([Self.leaf(1)])
        func isThere(_ apic: Bool, _ timer: Bool) -> Bool {
            host.forGuest(vcpu: 0, of: 1, hasLocalAPIC: apic, hasDeadlineTimer: timer).leaves[0].ecx & 1 << 24 != 0
        }
        #expect([isThere(true, true), isThere(true, false), isThere(false, true)] == [true, false, false])
    }

    // Intel SDM vol. 2A, CPUID.1:ECX[5]; AMD APM vol. 3, CPUID Fn8000_0001_ECX[2] and Fn8000_000A.
    @Test("a guest is told that it is one, and has no virtualization of its own")
    func virtualization() throws {
        var host = CPUID([Self.leaf(1), Self.leaf(0x8000_0001), Self.leaf(0x8000_000A)])
        host.leaves[1].ecx |= 1 << 2
        let guest = host.forGuest(vcpu: 0, of: 1, hasLocalAPIC: true)
        #expect(guest.leaves[0].ecx & (1 << 31 | 1 << 5) == 1 << 31)
        #expect(guest.leaves[1].ecx == 0x3333_3333)
        let svm = guest.leaves[2]
        #expect([svm.eax, svm.ebx, svm.ecx, svm.edx] == [0, 0, 0, 0])
    }

    @Test("a core has its caches for itself, and the package the last one", arguments: [4, 0x8000_001D] as [UInt32])
    func caches(function: UInt32) {
        // Unified caches of levels 2 and 3, which 64 processors of the host share.
        let host = CPUID([Self.leaf(function, eax: 0x000F_C143), Self.leaf(function, index: 1, eax: 0x000F_C163)])
        func sharing(_ count: Int) -> [UInt32] {
            host.forGuest(vcpu: 0, of: count, hasLocalAPIC: true).leaves.map { $0.eax >> 14 & 0xFFF }
        }
        #expect([sharing(1), sharing(3), sharing(8)] == [[0, 0], [0, 3], [0, 7]])
    }

    /// How many vCPUs, and what leaves tell of them.
    struct Topology: Sendable {
        let count: Int
        /// Leaf 1, EBX bits 23 to 16: how many APIC ids the package has.
        let ids: UInt32
        /// How many bits of an APIC id tell the core.
        let bits: UInt32
        /// Leaf 4, EAX bits 31 to 26: the cores that the package has room for, but one.
        let cores: UInt32
    }

    @Test(
        "vCPUs are cores of one package, without threads",
        arguments: [
            Topology(count: 1, ids: 1, bits: 0, cores: 0), Topology(count: 2, ids: 2, bits: 1, cores: 1),
            Topology(count: 3, ids: 4, bits: 2, cores: 3), Topology(count: 4, ids: 4, bits: 2, cores: 3),
            Topology(count: 5, ids: 8, bits: 3, cores: 7), Topology(count: 64, ids: 64, bits: 6, cores: 63),
            Topology(count: 65, ids: 128, bits: 7, cores: 63), Topology(count: 128, ids: 128, bits: 7, cores: 63),
            Topology(count: 129, ids: 255, bits: 8, cores: 63), Topology(count: 255, ids: 255, bits: 8, cores: 63),
        ])
    func topology(_ topology: Topology) throws {
        // Linux 6.18 gives leaves 0xB and 0x1F with one index each; others give more.
        let host = CPUID([
            Self.leaf(1), Self.leaf(4, eax: 0xFC00_4121), Self.leaf(4, index: 3, eax: 0), Self.leaf(0xB),
            Self.leaf(0x1F), Self.leaf(0x1F, index: 1), Self.leaf(0x8000_0008), Self.leaf(0x8000_001E),
        ])
        let (count, last) = (UInt32(topology.count), UInt32(topology.count - 1))
        let guest = host.forGuest(vcpu: last, of: topology.count, hasLocalAPIC: true)
        func leaf(_ function: UInt32, _ index: UInt32 = 0) throws -> CPUID.Leaf {
            let found = guest.leaves.filter { $0.function == function && $0.index == index }
            #expect(found.count == 1)
            return try #require(found.first)
        }
        // HTT, EDX bit 28, says that the package can hold more than one.
        #expect(try leaf(1).edx & 1 << 28 == (topology.count > 1 ? 1 << 28 : 0))
        #expect(try leaf(1).ebx >> 16 == last << 8 | topology.ids)
        #expect(try leaf(4).eax == topology.cores << 26 | 0x121)
        #expect(try leaf(4, 3) == host.leaves[2])
        for function in [0xB, 0x1F] as [UInt32] {
            let levels = try (0...2).map { try leaf(function, $0) }
            #expect(levels.map(\.eax) == [0, topology.bits, 0])
            #expect(levels.map(\.ebx) == [1, count, 0])
            #expect(levels.map(\.ecx) == [0x100, 0x201, 2])
            #expect(levels.map(\.edx) == [last, last, last])
            #expect(levels.map(\.dependsOnIndex) == [true, true, true])
        }
        // AMD APM vol. 3, appendix E: NC, the cores but one, and ApicIdCoreIdSize; the extended APIC id and the core's.
        #expect(try leaf(0x8000_0008).ecx == 0x3333_0300 | topology.bits << 12 | last)
        let extended = try leaf(0x8000_001E)
        #expect([extended.eax, extended.ebx & 0xFFFF, extended.ecx & 0x7FF] == [last, last, 0])
    }

    @Test("leaves that the host does not have are not there for the guest", .requiresKVM)
    func noNewLeaves() throws {
        let guest = CPUID([Self.leaf(1)]).forGuest(vcpu: 0, of: 2, hasLocalAPIC: true)
        #expect(guest.leaves.map(\.function) == [1])
        // What this host supports.
        let host = try KVMSystem().supportedCPUID()
        let functions = Set(host.forGuest(vcpu: 1, of: 2, hasLocalAPIC: true).leaves.map(\.function))
        #expect(functions == Set(host.leaves.map(\.function)))
    }

    @Test("everything else is the host's, in the host's order")
    func rest() {
        let host = CPUID([Self.leaf(0), Self.leaf(7), Self.leaf(0xD, index: 1), Self.leaf(0x8000_0001)])
        #expect(host.forGuest(vcpu: 3, of: 4, hasLocalAPIC: false) == host)
    }
}
