/// The lines into the interrupt controllers in the kernel.
public struct KVMInterruptLines: Sendable {
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources) {
        self.resources = resources
    }

    /// The line `gsi`.
    public func line(gsi: UInt32) -> KVMInterruptLine {
        KVMInterruptLine(resources: resources, gsi: gsi)
    }
}
