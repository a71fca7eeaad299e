import CKVM
import Glibc
import LinuxHost

/// The ring of a machine in which coalesced writes wait (Linux api.rst section 4.116).
///
/// It is one for all vCPUs. Any thread may take from it, one at a time.
@safe public struct CoalescedRing: ~Copyable, @unchecked Sendable {
    private static let size = 4096
    private let ring: UnsafeMutableRawPointer

    /// Maps the ring alone, which lies behind each vCPU's run page.
    ///
    /// - Parameters:
    ///   - vcpu: one of the machine's; the mapping lives on without it.
    ///   - page: what the host says for ``Capability/coalescedMMIO``.
    public init(of vcpu: borrowing KVMVCPU, page: Int) throws(KVMError) {
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let address = unsafe mmap(
            nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.descriptor.number, page * Self.size)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .call("map the ring of coalesced writes", .current)
        }
        unsafe ring = address
    }

    deinit {
        // SAFETY: this value owns the mapping, and gives its address to nobody.
        unsafe munmap(ring, Self.size)
    }

    /// The oldest write, which is taken out; nil when none waits.
    public mutating func take() -> CoalescedWrite? {
        var write = ckvm_coalesced_write()
        // SAFETY: the ring is one page, which is mapped; the shim checks the indices that stand in it.
        guard unsafe ckvm_take_coalesced(ring, &write) != 0 else { return nil }
        return CoalescedWrite(address: write.address, width: Int(write.length), value: write.value)
    }
}

/// A write that waited in the ring instead of being an exit (Linux api.rst section 4.116).
public struct CoalescedWrite: Equatable, Sendable {
    /// The port.
    public let address: UInt64
    /// In bytes, 1 to 8.
    public let width: Int
    /// Little-endian, zero beyond the width.
    public let value: UInt64

    public init(address: UInt64, width: Int, value: UInt64) {
        self.address = address
        self.width = width
        self.value = value
    }
}

/// Ports whose writes of a byte wait in the ring. Safe to use from any thread.
public struct KVMCoalescedPorts: Sendable {
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources) {
        self.resources = resources
    }

    /// From now on writes to the port wait in the ring and are no exits, until the ring is full (`KVM_REGISTER_COALESCED_MMIO`, Linux
    /// api.rst section 4.116).
    public func coalesce(_ port: UInt16) throws(KVMError) {
        try KVMError.check(
            ckvm_coalesce_ports(resources.descriptor.number, port, 1), "have writes to port \(port) wait in a ring")
    }

    /// Ends that: writes to the port are exits again (`KVM_UNREGISTER_COALESCED_MMIO`). What waits in the ring stays there.
    public func stop(_ port: UInt16) throws(KVMError) {
        try KVMError.check(
            ckvm_uncoalesce_ports(resources.descriptor.number, port, 1), "have writes to port \(port) exit again")
    }
}

extension KVMVirtualMachine {
    public var coalescedPorts: KVMCoalescedPorts { KVMCoalescedPorts(resources: resources) }
}
