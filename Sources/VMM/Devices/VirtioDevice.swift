import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// A page of registers for each virtio device (VIRTIO 1.2 §4.2.2).
enum VirtioWindow {
    static let size = VirtioMMIO.byteCount
    /// Where the driver rings: QueueNotify.
    static let notifyOffset: UInt64 = 0x50
}

/// How virtio devices and their drivers tell each other: by ioeventfd and irqfd, which cost no exit, or by exits and calls.
struct VirtioNotifications: Sendable {
    private let ioeventfds: KVMIOEventFDs?
    private let irqfds: KVMIRQFDs?

    /// By exits and calls.
    init() {
        ioeventfds = nil
        irqfds = nil
    }

    /// - Parameters:
    ///   - isWanted: false for exits and calls, whatever the host has.
    ///   - interrupts: an irqfd leads into the kernel's controllers.
    init(
        _ system: borrowing KVMSystem, _ machine: borrowing KVMVirtualMachine, isWanted: Bool,
        _ interrupts: InterruptRouter
    ) {
        let isThere = [Capability.ioeventfd, .irqfd, .irqfdResample].allSatisfy { system.value(of: $0) > 0 }
        ioeventfds = isWanted && isThere ? machine.ioeventfds : nil
        irqfds = isWanted && isThere && interrupts.areInKernel ? machine.irqfds : nil
    }

    /// Nil where each ring is an exit.
    func doorbell(at address: UInt64) -> VirtioDoorbell? {
        ioeventfds.map { VirtioDoorbell(ioeventfds: $0, address: address) }
    }

    /// Nil where an interrupt is a call.
    func irqfd(gsi: UInt32) throws(VMMError) -> KVMIRQFD? {
        guard let irqfds else { return nil }
        return try kvm { () throws(KVMError) in try irqfds.make(gsi: gsi) }
    }
}

/// Where a driver rings for its queues.
struct VirtioDoorbell: Sendable {
    let ioeventfds: KVMIOEventFDs
    let address: UInt64

    /// From now on a ring for the queue signals the event and is no exit. Where the host refuses, it stays one.
    func signal(_ event: borrowing EventFD, onWriteOf queue: UInt32) {
        try? ioeventfds.signal(event, onWriteOf: queue, to: address)
    }
}

/// An interrupt line by an irqfd, which the kernel lowers whenever the guest ends an interrupt.
private final class IRQFDLine: InterruptLine {
    let irqfd: KVMIRQFD

    init(_ irqfd: KVMIRQFD) {
        self.irqfd = irqfd
    }

    func setLevel(_ high: Bool) {
        if high { irqfd.raise() }
    }
}

/// The host side of a virtio device: what is particular to its kind.
protocol VirtioMachineBackend: VirtioBackend {
    var queues: VirtioQueues { get }
    /// What of its output vCPUs write out.
    var outputs: [ConsoleOutput] { get }
    func begin() throws(HostError)
    /// Adds to what is known of any virtio device.
    func complete(_ report: inout DeviceReport)
    /// The machine has ended.
    ///
    /// - Returns: how many bytes the host has not taken.
    func end() -> UInt64
}

extension VirtioMachineBackend {
    var outputs: [ConsoleOutput] { [] }
    func begin() throws(HostError) { try queues.begin() }
    func complete(_ report: inout DeviceReport) {}
    func end() -> UInt64 { queues.end() }
    func stop(queue index: Int) { queues.stop(index) }
    func notify(queue index: Int) { queues.ring(index) }
}

/// The queues of a device, by their numbers.
final class VirtioQueues: Sendable {
    static let size: UInt16 = 256

    private let queues: [any DeviceQueue]
    private let rings = Atomic<UInt64>(0)

    init(_ queues: [any DeviceQueue]) {
        self.queues = queues
    }

    var sizes: [UInt16] { queues.map { _ in Self.size } }

    /// How many times the driver rang by an exit.
    var ringCount: UInt64 { rings.load(ordering: .relaxed) }

    func begin() throws(HostError) {
        for queue in queues { try queue.begin() }
    }

    func start(_ queue: consuming Virtqueue, _ index: Int, _ session: VirtioSession) {
        guard queues.indices.contains(index) else { return }
        queues[index].start(queue, session)
    }

    func stop(_ index: Int) {
        guard queues.indices.contains(index) else { return }
        queues[index].stop()
    }

    func ring(_ index: Int) {
        rings.wrappingAdd(1, ordering: .relaxed)
        guard queues.indices.contains(index) else { return }
        queues[index].ring()
    }

    /// Has those looked at that hold something of the driver's, whether or not it has rung. The others are left alone: no input is taken
    /// for a guest that has ended.
    func wake() {
        for queue in queues where !queue.isIdle { queue.ring() }
    }

    var isIdle: Bool { queues.allSatisfy(\.isIdle) }

    func end() -> UInt64 { queues.reduce(0) { $0 &+ $1.end() } }
}

/// A device that has queues, features and a configuration that its driver only reads, and nothing else to it.
final class PlainVirtioBackend: VirtioMachineBackend {
    let deviceID: UInt32
    let features: VirtioFeatures
    let configuration: VirtioConfiguration
    let queues: VirtioQueues
    private let session = Mutex<VirtioSession?>(nil)
    private let completion: @Sendable (inout DeviceReport) -> Void

    init(
        deviceID: UInt32, features: VirtioFeatures = [], configuration: [UInt8] = [], queues: [any DeviceQueue],
        report completion: @escaping @Sendable (inout DeviceReport) -> Void = { _ in }
    ) {
        self.deviceID = deviceID
        self.features = features.union([.indirectDescriptors, .eventIndex])
        self.configuration = VirtioConfiguration(bytes: configuration)
        self.queues = VirtioQueues(queues)
        self.completion = completion
    }

    var queueSizes: [UInt16] { queues.sizes }

    func activate(_ session: VirtioSession) {
        self.session.withLock { $0 = session }
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        guard let session = session.withLock({ $0 }) else { return }
        queues.start(queue, index, session)
    }

    func reset() {
        session.withLock { $0 = nil }
    }

    func complete(_ report: inout DeviceReport) { completion(&report) }
}

/// Any virtio device in a machine: its transport, its place, its doorbell and its interrupt.
final class VirtioDevice: MachineDevice {
    let transport: VirtioMMIO
    private let name: String
    private let backend: any VirtioMachineBackend
    private let host: MachineHost
    private let line: IRQFDLine?

    /// - Parameter makeBackend: is given where the driver rings, to be told of it without an exit.
    init(
        _ slot: DeviceSlot, _ host: MachineHost,
        _ makeBackend: (VirtioDoorbell?) throws(HostError) -> any VirtioMachineBackend
    ) throws(VMMError) {
        guard case .memory(let range)? = slot.ranges.first, let gsi = slot.gsi else {
            throw .fault("a virtio device without a place")
        }
        let doorbell = host.notifications.doorbell(at: range.lowerBound &+ VirtioWindow.notifyOffset)
        let backend = try VMM.host { () throws(HostError) in try makeBackend(doorbell) }
        let line = try host.notifications.irqfd(gsi: gsi).map { IRQFDLine($0) }
        name = slot.name
        self.backend = backend
        self.host = host
        self.line = line
        transport = VirtioMMIO(
            backend: backend, memory: host.memory,
            interrupt: line.map { host.interrupts.line(to: $0) } ?? host.interrupts.line(gsi: gsi))
    }

    var busDevice: any BusDevice { transport }
    var outputs: [ConsoleOutput] { backend.outputs }

    func begin() throws(VMMError) {
        try VMM.host { () throws(HostError) in
            try backend.begin()
            guard let line else { return }
            try host.loops.light().watch(line.irqfd.endNumber) { [weak transport] in
                if line.irqfd.takeEnd() { transport?.interruptEnded() }
            }
        }
    }

    func finish() { backend.queues.wake() }

    var isIdle: Bool { backend.queues.isIdle }

    func end() -> UInt64 { backend.end() }

    var report: DeviceReport {
        var report = DeviceReport(name: name)
        report.doorbellExits = backend.queues.ringCount
        report.fault = transport.fault?.description
        backend.complete(&report)
        return report
    }
}
