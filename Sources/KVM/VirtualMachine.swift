import CKVM
import LinuxHost
import Synchronization
import SystemPackage

/// A virtual machine of the kernel: memory slots, and vCPUs made from it.
///
/// Safe to use from any thread. The kernel keeps the machine until its last vCPU is gone too, and so do the vCPUs keep the
/// memory that is mapped here.
public struct KVMVirtualMachine: ~Copyable, Sendable {
    /// The guest-physical pages that KVM takes for itself on VT-x: one for the identity map, three for the real-mode TSS.
    /// They lie in the hole below 4 GiB, and no RAM may be mapped there (Linux api.rst sections 4.40 and 4.58).
    public static let reservedPages: Range<UInt64> = 0xFFFB_C000..<0xFFFC_0000

    let resources: VirtualMachineResources
    private let runMappingSize: Int

    init(descriptor: consuming OwnedDescriptor, runMappingSize: Int) throws(KVMError) {
        self.runMappingSize = runMappingSize
        var identityMap = Self.reservedPages.lowerBound
        try descriptor.control(CKVM_SET_IDENTITY_MAP_ADDR, &identityMap, "place the identity map")
        try descriptor.control(CKVM_SET_TSS_ADDR, UInt(identityMap + 0x1000), "place the real-mode TSS")
        resources = VirtualMachineResources(descriptor: descriptor)
    }

    /// Maps a part of `memory` into the guest (`KVM_SET_USER_MEMORY_REGION`, Linux api.rst section 4.35).
    ///
    /// - Parameters:
    ///   - memory: kept until the machine and its vCPUs are gone.
    ///   - offset: where the part begins in `memory`, in bytes, a multiple of the page size.
    ///   - size: in bytes, a multiple of the page size; not 0.
    ///   - slot: a number of the caller's choice, not in use yet.
    ///   - guestAddress: guest-physical, a multiple of the page size.
    public func map(
        _ memory: HostMemory, offset: Int = 0, size: Int, slot: UInt32, at guestAddress: UInt64
    ) throws(KVMError) {
        guard offset >= 0, size > 0, size <= memory.size, offset <= memory.size - size else {
            throw .call("map guest memory beyond the end of its backing", .invalidArgument)
        }
        var region = kvm_userspace_memory_region()
        region.slot = slot
        region.guest_phys_addr = guestAddress
        region.memory_size = UInt64(size)
        region.userspace_addr = memory.address(at: offset)
        resources.keep(memory)
        try resources.descriptor.control(CKVM_SET_USER_MEMORY_REGION, &region, "map \(size) bytes of guest memory")
    }

    /// From now on an RDMSR or WRMSR that KVM refuses, because it knows no such register or not this value, is an exit before the guest
    /// gets #GP (`KVM_CAP_X86_USER_SPACE_MSR`, Linux api.rst section 7.21). What KVM answers itself stays as it is.
    public func tellRefusedMSRs() throws(KVMError) {
        try KVMError.check(
            ckvm_tell_refused_msrs(resources.descriptor.number), "be told of refused model-specific registers")
    }

    /// Makes a vCPU in the state that a processor has after reset, for one thread at a time.
    ///
    /// - Parameter id: its number, and its local APIC's; 0 for the first.
    public func makeVCPU(id: UInt32) throws(KVMError) -> KVMVCPU {
        let number = try resources.descriptor.control(CKVM_CREATE_VCPU, UInt(id), "create vCPU \(id)")
        return try KVMVCPU(
            descriptor: OwnedDescriptor(number: Int32(truncatingIfNeeded: number)), runMappingSize: runMappingSize,
            resources: resources)
    }
}

/// What must outlive a virtual machine and each of its vCPUs: the machine's file, and the memory that the guest can write.
/// Were memory unmapped earlier, the guest would reach whatever this process maps at the same address next.
final class VirtualMachineResources: Sendable {
    let descriptor: OwnedDescriptor
    private let memory = Mutex<[HostMemory]>([])

    init(descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    func keep(_ mapped: HostMemory) {
        memory.withLock { $0.append(mapped) }
    }
}
