import Synchronization

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
