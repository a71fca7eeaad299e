import CKVM
import LinuxHost
import SystemPackage

/// The interrupt controllers that the kernel has for a machine, and the ways into them.
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
        try KVMError.check(result, "create the local interrupt controllers")
    }

    /// The way for messages to the local APICs in the kernel.
    public var msi: KVMMSI { KVMMSI(resources: resources) }

    /// Puts a PC's timer into the kernel, an 8254 at ports 0x40 to 0x43 and 0x61 (`KVM_CREATE_PIT2`, Linux api.rst section
    /// 4.71), behind the interrupt controllers.
    public func makeTimer() throws(KVMError) {
        var configuration = kvm_pit_config()
        // Port 0x61 as well, without a speaker.
        configuration.flags = UInt32(KVM_PIT_SPEAKER_DUMMY)
        try resources.descriptor.control(CKVM_CREATE_PIT2, &configuration, "create the timer")
    }

    /// Programs a PIC that ``makeInterruptControllers()`` made, as its initialization words would (`KVM_SET_IRQCHIP`, Linux api.rst
    /// section 4.27; Intel 8259A, "Initialization Command Words").
    ///
    /// - Parameters:
    ///   - number: 0 for the master, 1 for the slave.
    ///   - firstVector: of its eight interrupts.
    ///   - mask: a bit for each interrupt that does not come through.
    public func setPIC(_ number: UInt32, firstVector: UInt8, mask: UInt8) throws(KVMError) {
        let result = ckvm_set_pic(resources.descriptor.number, number, firstVector, mask)
        try KVMError.check(result, "program an interrupt controller")
    }

    /// Starts channel 0 of the timer that ``makeTimer()`` made, as its control word and two bytes would (`KVM_SET_PIT2`, Linux api.rst
    /// section 4.73; Intel 8254, "Control Word Format").
    ///
    /// - Parameters:
    ///   - mode: the 8254's, 0 to 5.
    ///   - count: of the clock's 1,193,182 ticks a second; 0 is 65,536.
    public func startTimer(mode: UInt8, count: UInt16) throws(KVMError) {
        var timer = kvm_pit_state2()
        try resources.descriptor.control(CKVM_GET_PIT2, &timer, "read the timer")
        // Both bytes of a count, the low one first.
        timer.channels.0.rw_mode = 3
        timer.channels.0.read_state = 3
        timer.channels.0.write_state = 3
        timer.channels.0.mode = mode
        timer.channels.0.count = UInt32(count)
        try resources.descriptor.control(CKVM_SET_PIT2, &timer, "start the timer")
    }

    /// The lines of the interrupt controllers in the kernel.
    public var irqLines: KVMIRQLines { KVMIRQLines(resources: resources) }

    /// The same lines, raised by eventfds.
    public var irqfds: KVMIRQFDs { KVMIRQFDs(resources: resources) }
}

/// A line into the interrupt controllers in the kernel. Safe to use from any thread.
public final class KVMIRQLine: Sendable {
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

/// The lines into the interrupt controllers in the kernel.
public struct KVMIRQLines: Sendable {
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources) {
        self.resources = resources
    }

    /// The line `gsi`.
    public func line(gsi: UInt32) -> KVMIRQLine {
        KVMIRQLine(resources: resources, gsi: gsi)
    }
}

/// Message-signalled interrupts into the local APICs in the kernel. Safe to use from any thread.
public final class KVMMSI: Sendable {
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

/// Makes irqfds: eventfds that raise lines of the interrupt controllers in the kernel (`KVM_IRQFD`, Linux api.rst section 4.75). Safe to
/// use from any thread.
public struct KVMIRQFDs: Sendable {
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources) {
        self.resources = resources
    }

    /// A level-triggered line.
    public func make(gsi: UInt32) throws(KVMError) -> KVMIRQFD {
        try KVMIRQFD(resources: resources, gsi: gsi)
    }
}

/// A level-triggered line into the interrupt controllers in the kernel, raised by an eventfd (`KVM_IRQFD` with
/// `KVM_IRQFD_FLAG_RESAMPLE`, Linux api.rst section 4.75). Safe to use from any thread.
///
/// The kernel lowers the line when the guest ends the interrupt, and says so: whoever still wants to interrupt raises it again.
public final class KVMIRQFD: Sendable {
    private let trigger: EventFD
    private let end: EventFD
    /// A machine that is gone has no lines.
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources, gsi: UInt32) throws(KVMError) {
        trigger = try KVMError.host { () throws(HostError) in try EventFD() }
        end = try KVMError.host { () throws(HostError) in try EventFD() }
        self.resources = resources
        var request = kvm_irqfd()
        request.fd = UInt32(bitPattern: trigger.number)
        request.gsi = gsi
        request.flags = UInt32(KVM_IRQFD_FLAG_RESAMPLE)
        request.resamplefd = UInt32(bitPattern: end.number)
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
