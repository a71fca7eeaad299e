import CKVM

/// A line into the interrupt controllers in the kernel. Safe to use from any thread.
public final class KVMInterruptLine: Sendable {
    private let resources: VirtualMachineResources
    private let gsi: UInt32

    init(resources: VirtualMachineResources, gsi: UInt32) {
        self.resources = resources
        self.gsi = gsi
    }

    /// Drives the line high or low (`KVM_IRQ_LINE`, Linux api.rst section 4.25). It fails only where the machine has no
    /// interrupt controllers, and then nothing is there to be driven.
    public func setLevel(_ high: Bool) {
        _ = ckvm_set_irq_line(resources.descriptor.number, gsi, high ? 1 : 0)
    }
}
