import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// A virtio-console (VIRTIO 1.2 §5.3): port 0, which is the console itself, and with control queues any number of others.
final class VirtioConsole: VirtioBackend {
    static let receiveQueue = 0
    static let transmitQueue = 1
    static let controlReceiveQueue = 2
    static let controlTransmitQueue = 3
    private static let queueSize: UInt16 = 256
    /// Where a byte is written that is to be printed without queues (VIRTIO 1.2 §5.3.4, emerg_wr).
    private static let emergencyOffset = 8

    let deviceID: UInt32 = 3
    let features: VirtioFeatures
    let queueSizes: [UInt16]

    private let ports: [ConsolePort]
    /// Nil where there is port 0 alone.
    private let control: ConsoleControl?
    /// By the queues' numbers.
    private let workers: [any DeviceQueue]
    private let space: Mutex<VirtioConfiguration>
    private let session = Mutex<VirtioSession?>(nil)
    private let rings = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - ports: the console first.
    ///   - control: for all of them; nil where there is the console alone.
    ///   - window: of the console, where it has one.
    init(_ ports: [ConsolePort], control: ConsoleControl?, memory: GuestMemory, window: ConsoleWindow?)
        throws(HostError)
    {
        var features: VirtioFeatures = [.indirectDescriptors, .eventIndex, .consoleEmergencyWrite]
        if window != nil { features.insert(.consoleSize) }
        if control != nil { features.insert(.consolePorts) }
        self.features = features
        self.ports = ports
        self.control = control
        var workers: [any DeviceQueue] = []
        for (index, port) in ports.enumerated() {
            workers += [port.receiver, port.transmitter] as [any DeviceQueue]
            guard index == 0, let control else { continue }
            // They are seldom rung for: an exit each costs less than to arm an event.
            workers.append(
                try QueueWorker(
                    ControlTransmitter(from: control, memory: memory), queue: Self.controlReceiveQueue, doorbell: nil,
                    fail: { _ in }))
            workers.append(
                try QueueWorker(
                    ControlReceiver(to: control, memory: memory), queue: Self.controlTransmitQueue, doorbell: nil,
                    fail: { _ in }))
        }
        self.workers = workers
        queueSizes = workers.map { _ in Self.queueSize }
        let portCount = control == nil ? 0 : ports.count
        space = Mutex(VirtioConfiguration(bytes: Self.configuration(window?.size, portCount)))
        window?.observe { [weak self] size in self?.resize(to: size) }
    }

    /// The number of a port's receive queue; its transmit queue follows.
    static func receiveQueue(ofPort index: Int) -> Int {
        index == 0 ? receiveQueue : 2 &* index &+ 2
    }

    /// `le16 cols; le16 rows; le32 max_nr_ports; le32 emerg_wr` (VIRTIO 1.2 §5.3.4).
    private static func configuration(_ size: ConsoleSize?, _ portCount: Int) -> [UInt8] {
        (size?.bytes ?? [0, 0, 0, 0]) + [UInt8(truncatingIfNeeded: portCount), 0, 0, 0] + [0, 0, 0, 0]
    }

    var configuration: VirtioConfiguration { space.withLock { $0 } }

    func takesEarlyWrite(offset: Int) -> Bool { offset == Self.emergencyOffset }

    /// Prints a byte, in order with what other consoles print: the vCPU that wrote it writes it out, as it does theirs.
    func writeConfiguration(offset: Int, width: Int, value: UInt64) {
        guard offset == Self.emergencyOffset else { return }
        ports.first?.channel.write(UInt8(truncatingIfNeeded: value))
    }

    private func resize(to size: ConsoleSize) {
        let portCount = control == nil ? 0 : ports.count
        let isNew = space.withLock { $0.replace(with: Self.configuration(size, portCount)) }
        if isNew, let session = session.withLock({ $0 }), session.features.contains(.consoleSize) {
            session.configurationChanged()
        }
        control?.resize(to: size)
    }

    func activate(_ session: VirtioSession) {
        self.session.withLock { $0 = session }
        control?.begin(hasPorts: session.features.contains(.consolePorts))
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        guard let session = session.withLock({ $0 }), workers.indices.contains(index) else { return }
        // To a driver that has not agreed on ports there are no other queues (§5.3.2).
        guard index <= Self.transmitQueue || session.features.contains(.consolePorts) else { return }
        workers[index].start(queue, session)
    }

    func stop(queue index: Int) {
        guard workers.indices.contains(index) else { return }
        workers[index].stop()
    }

    /// How many times the driver rang by an exit.
    var ringCount: UInt64 { rings.load(ordering: .relaxed) }

    func notify(queue index: Int) {
        rings.wrappingAdd(1, ordering: .relaxed)
        guard workers.indices.contains(index) else { return }
        workers[index].ring()
    }

    func reset() {
        session.withLock { $0 = nil }
        control?.reset()
    }

    var hasControlMessage: Bool { control?.hasMessage ?? false }

    /// Looks who is at the ends of the ports, and has the driver told of what has changed.
    func lookAtEnds() {
        guard let control else { return }
        for (index, port) in ports.enumerated().dropFirst() { control.setHostOpen(port.isConnected, port: index) }
    }

    /// Ends the threads, whatever they wait for. The machine runs no more.
    func end() {
        for worker in workers { worker.end() }
    }
}
