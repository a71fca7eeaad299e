import CKVM

/// Message-signalled interrupts into the local APICs in the kernel. Safe to use from any thread.
public final class KVMInterruptMessages: Sendable {
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources) {
        self.resources = resources
    }

    /// Delivers a message (`KVM_SIGNAL_MSI`, Linux api.rst section 4.70). One that no local APIC takes is lost, as on a bus.
    public func send(address: UInt64, data: UInt32) {
        var message = kvm_msi()
        message.address_lo = UInt32(truncatingIfNeeded: address)
        message.address_hi = UInt32(truncatingIfNeeded: address >> 32)
        message.data = data
        _ = unsafe ckvm_ioctl_pointer(resources.descriptor.number, CKVM_SIGNAL_MSI, &message)
    }

    /// From now on the end of an interrupt that one of these level-triggered messages raises is an exit
    /// (`KVM_SET_GSI_ROUTING`, Linux api.rst section 4.52; `KVM_EXIT_IOAPIC_EOI`, section 5). They replace those before.
    ///
    /// - Parameter routes: by pin of the I/O APIC, below ``KVMVirtualMachine/pinCount``.
    public func tellEnds(of routes: [(pin: Int, address: UInt64, data: UInt32)]) {
        let entries = routes.map {
            ckvm_message_route(
                gsi: UInt32(truncatingIfNeeded: $0.pin), data: $0.data, address: $0.address)
        }
        // SAFETY: as many entries as are told, for the length of the call. It fails only for numbers that are out of range.
        _ = unsafe ckvm_set_message_routes(resources.descriptor.number, entries, UInt32(entries.count))
    }
}
