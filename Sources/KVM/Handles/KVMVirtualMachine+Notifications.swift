import CKVM

/// Ways for guest and host to tell each other without an exit, and the interrupt controllers that some of them need.
extension KVMVirtualMachine {
    /// Puts a PIC, an I/O APIC and local APICs into the kernel (`KVM_CREATE_IRQCHIP`, Linux api.rst section 4.24). Before the
    /// first vCPU.
    public func makeInterruptControllers() throws(KVMError) {
        try resources.descriptor.control(CKVM_CREATE_IRQCHIP, 0, "create the interrupt controllers")
    }

    /// From now on a write of `width` bytes to `port` adds one to `event` and is no exit (`KVM_IOEVENTFD`, Linux api.rst
    /// section 4.59).
    public func signal(
        _ event: borrowing EventDescriptor, onWriteToPort port: UInt16, width: UInt32
    ) throws(KVMError) {
        var request = kvm_ioeventfd()
        request.addr = UInt64(port)
        request.len = width
        request.fd = event.descriptor.number
        request.flags = 1 << UInt32(kvm_ioeventfd_flag_nr_pio)
        try resources.descriptor.control(CKVM_IOEVENTFD, &request, "have writes to port \(port) signal an event")
    }

    /// From now on each signal of `event` is a pulse on interrupt line `gsi` (`KVM_IRQFD`, Linux api.rst section 4.75).
    public func interrupt(gsi: UInt32, on event: borrowing EventDescriptor) throws(KVMError) {
        var request = kvm_irqfd()
        request.fd = UInt32(bitPattern: event.descriptor.number)
        request.gsi = gsi
        try resources.descriptor.control(CKVM_IRQFD, &request, "have an event raise interrupt \(gsi)")
    }

    /// From now on writes to `count` ports from `port` on wait in a ring and are no exits, until the ring is full
    /// (`KVM_REGISTER_COALESCED_MMIO`, Linux api.rst section 4.116).
    public func coalesceWrites(toPort port: UInt16, count: UInt32) throws(KVMError) {
        let result = ckvm_coalesce_ports(resources.descriptor.number, port, count)
        guard result >= 0 else {
            let error = SystemError(code: Int32(truncatingIfNeeded: -result))
            throw .call("have writes to port \(port) wait in a ring", error)
        }
    }
}
