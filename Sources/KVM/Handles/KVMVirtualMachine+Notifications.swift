import CKVM

/// Ways for guest and host to tell each other without an exit, and the interrupt controllers that some of them need.
extension KVMVirtualMachine {
    /// Puts a PIC, an I/O APIC and local APICs into the kernel (`KVM_CREATE_IRQCHIP`, Linux api.rst section 4.24). Before the
    /// first vCPU.
    public func makeInterruptControllers() throws(KVMError) {
        try resources.descriptor.control(CKVM_CREATE_IRQCHIP, 0, "create the interrupt controllers")
    }

    /// How many pins the I/O APIC has that belongs to ``makeLocalInterruptControllers()``.
    public static let pinCount = 24

    /// Puts local APICs into the kernel and nothing else (`KVM_CAP_SPLIT_IRQCHIP`, Linux api.rst section 7.5). Before the first
    /// vCPU.
    public func makeLocalInterruptControllers() throws(KVMError) {
        let result = ckvm_split_interrupt_controllers(resources.descriptor.number, UInt32(Self.pinCount))
        try check(result, "create the local interrupt controllers")
    }

    /// The way for messages to the local APICs in the kernel.
    public var interruptMessages: KVMInterruptMessages { KVMInterruptMessages(resources: resources) }

    /// Puts a PC's timer into the kernel, an 8254 at ports 0x40 to 0x43 and 0x61 (`KVM_CREATE_PIT2`, Linux api.rst section
    /// 4.71), behind the interrupt controllers.
    public func makeTimer() throws(KVMError) {
        var configuration = kvm_pit_config()
        // Port 0x61 as well, without a speaker.
        configuration.flags = UInt32(KVM_PIT_SPEAKER_DUMMY)
        try resources.descriptor.control(CKVM_CREATE_PIT2, &configuration, "create the timer")
    }

    /// The lines of the interrupt controllers in the kernel.
    public var interruptLines: KVMInterruptLines { KVMInterruptLines(resources: resources) }

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

    /// The doorbell of a device: writes of 32 bits to `address`.
    public func doorbell(at address: UInt64) -> KVMDoorbell {
        KVMDoorbell(resources: resources, address: address)
    }

    /// An interrupt line that is raised by an event descriptor.
    public func interruptEvent(gsi: UInt32) throws(KVMError) -> KVMInterruptEvent {
        try KVMInterruptEvent(resources: resources, gsi: gsi)
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
        try check(
            ckvm_coalesce_ports(resources.descriptor.number, port, count), "have writes to port \(port) wait in a ring")
    }

    /// Ends that: writes to the ports are exits again (`KVM_UNREGISTER_COALESCED_MMIO`). What waits in the ring stays there.
    public func stopCoalescingWrites(toPort port: UInt16, count: UInt32) throws(KVMError) {
        try check(
            ckvm_uncoalesce_ports(resources.descriptor.number, port, count), "have writes to port \(port) exit again")
    }

    private func check(_ result: Int, _ what: String) throws(KVMError) {
        guard result >= 0 else { throw .call(what, SystemError(code: Int32(truncatingIfNeeded: -result))) }
    }
}
