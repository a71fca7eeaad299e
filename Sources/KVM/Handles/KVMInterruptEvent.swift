import CKVM

/// A level-triggered line into the interrupt controllers in the kernel, raised by an event descriptor (`KVM_IRQFD` with
/// `KVM_IRQFD_FLAG_RESAMPLE`, Linux api.rst section 4.75). Safe to use from any thread.
///
/// The kernel lowers the line when the guest ends the interrupt, and says so: whoever still wants to interrupt raises it again.
public final class KVMInterruptEvent: Sendable {
    private let trigger: EventDescriptor
    private let end: EventDescriptor
    /// A machine that is gone has no lines.
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources, gsi: UInt32) throws(KVMError) {
        trigger = try EventDescriptor()
        end = try EventDescriptor()
        self.resources = resources
        var request = kvm_irqfd()
        request.fd = UInt32(bitPattern: trigger.descriptor.number)
        request.gsi = gsi
        request.flags = UInt32(KVM_IRQFD_FLAG_RESAMPLE)
        request.resamplefd = UInt32(bitPattern: end.descriptor.number)
        try resources.descriptor.control(CKVM_IRQFD, &request, "have an event raise interrupt \(gsi)")
    }

    /// Raises the line, until the guest ends the interrupt.
    public func raise() {
        trigger.signal()
    }

    /// What poll(2) finds readable when the guest has ended an interrupt.
    public var endNumber: Int32 { end.number }

    /// Whether it has since the last call.
    public func takeEnd() -> Bool { end.take() > 0 }
}
