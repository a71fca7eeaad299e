import DeviceModel
import LinuxHost
import Synchronization
import SystemPackage

/// A virtio-console (VIRTIO 1.2 §5.3): port 0, which is the console itself, and with control queues any number of others.
final class VirtioConsole: VirtioMachineBackend {
    static let receiveQueue = 0
    static let transmitQueue = 1
    static let controlReceiveQueue = 2
    static let controlTransmitQueue = 3
    /// Where a byte is written that is to be printed without queues (VIRTIO 1.2 §5.3.4, emerg_wr).
    private static let emergencyOffset = 8
    /// How often it is looked who is at the ends of the ports, in nanoseconds: nothing tells that a pseudo-terminal was opened.
    private static let interval: Int64 = 100_000_000

    /// A line of bytes, with its end on the host.
    private struct Port {
        /// Empty for the console itself.
        let name: String
        let channel: ConsoleChannel
        let input: ConsoleInput?

        /// Whether there is someone at its end. A line that was hung up has ended for the guest when it has read what came before.
        var isConnected: Bool {
            channel.failure == nil && (channel.output.isConnected || input?.hasUnreadBytes ?? false)
        }

        var report: VirtioPortReport {
            VirtioPortReport(
                name: name, bytes: channel.byteCount &- channel.lostCount, droppedBytes: channel.lostCount,
                failure: channel.failure?.description)
        }
    }

    let deviceID: UInt32 = 3
    let features: VirtioFeatures
    let queues: VirtioQueues

    private let host: MachineHost
    private let ports: [Port]
    /// Nil where there is port 0 alone.
    private let control: ConsoleControl?
    private let space: Mutex<VirtioConfiguration>
    private let session = Mutex<VirtioSession?>(nil)

    /// - Parameter doorbell: where the driver rings, to be told of it without an exit.
    init(
        _ configuration: VirtioConsoleConfiguration, _ host: MachineHost, doorbell: VirtioDoorbell?
    ) throws(HostError) {
        self.host = host
        ports =
            [
                Port(
                    name: "", channel: ConsoleChannel(to: configuration.output ?? host.output),
                    input: configuration.input)
            ]
            + configuration.ports.map {
                Port(name: $0.name, channel: ConsoleChannel(to: $0.output, dropsWhenFailed: true), input: $0.input)
            }
        control = Self.makeControl(configuration)
        var features: VirtioFeatures = [.indirectDescriptors, .eventIndex, .consoleEmergencyWrite]
        if configuration.window != nil { features.insert(.consoleSize) }
        if control != nil { features.insert(.consolePorts) }
        self.features = features
        queues = try Self.makeQueues(ports, control, host, doorbell)
        let portCount = control == nil ? 0 : ports.count
        space = Mutex(VirtioConfiguration(bytes: Self.configuration(configuration.window?.size, portCount)))
        configuration.window?.observe { [weak self] size in self?.resize(to: size) }
    }

    /// Nil where there is the console alone.
    private static func makeControl(_ configuration: VirtioConsoleConfiguration) -> ConsoleControl? {
        guard !configuration.ports.isEmpty else { return nil }
        let console = VirtioConsolePort(name: [], isConsole: true, isHostOpen: true)
        let others = configuration.ports.map {
            VirtioConsolePort(name: Array($0.name.utf8), isConsole: false, isHostOpen: $0.output.isConnected)
        }
        return ConsoleControl(VirtioConsolePorts([console] + others, size: configuration.window?.size))
    }

    private static func makeQueues(
        _ ports: [Port], _ control: ConsoleControl?, _ host: MachineHost, _ doorbell: VirtioDoorbell?
    ) throws(HostError) -> VirtioQueues {
        let light = try host.loops.light()
        var queues: [any DeviceQueue] = []
        for (index, port) in ports.enumerated() {
            let queue = receiveQueue(ofPort: index)
            let receiver = QueueRunner(
                ConsoleReceiver(from: port.input, host, queue: queue) { control?.isOpen(port: index) ?? true },
                queue: queue, on: try port.input?.loop(host.loops.loop(for:)) ?? light, doorbell: doorbell, host: host)
            control?.onOpen(port: index) { [weak receiver] in receiver?.ring() }
            let transmitter = QueueRunner(
                ConsoleTransmitter(to: port.channel, memory: host.memory, queue: queue &+ 1) {
                    host.coalescing.drain()
                }, queue: queue &+ 1, on: try port.channel.output.attach(host.loops.loop(for:)), doorbell: doorbell,
                host: host)
            queues += [receiver, transmitter] as [any DeviceQueue]
            guard index == 0, let control else { continue }
            // They are seldom rung for: an exit each costs less than to arm an ioeventfd.
            queues.append(
                QueueRunner(
                    ControlTransmitter(from: control, memory: host.memory), queue: controlReceiveQueue, on: light,
                    doorbell: nil, host: host))
            queues.append(
                QueueRunner(
                    ControlReceiver(to: control, memory: host.memory), queue: controlTransmitQueue, on: light,
                    doorbell: nil, host: host))
        }
        return VirtioQueues(queues)
    }

    /// The number of a port's receive queue; its transmit queue follows.
    static func receiveQueue(ofPort index: Int) -> Int {
        index == 0 ? receiveQueue : 2 &* index &+ 2
    }

    /// `le16 cols; le16 rows; le32 max_nr_ports; le32 emerg_wr` (VIRTIO 1.2 §5.3.4).
    private static func configuration(_ size: ConsoleSize?, _ portCount: Int) -> [UInt8] {
        (size?.bytes ?? [0, 0, 0, 0]) + [UInt8(truncatingIfNeeded: portCount), 0, 0, 0] + [0, 0, 0, 0]
    }

    var queueSizes: [UInt16] { queues.sizes }
    var outputs: [ConsoleOutput] { ports.prefix(1).map(\.channel.output) }
    var configuration: VirtioConfiguration { space.withLock { $0 } }

    func begin() throws(HostError) {
        try queues.begin()
        if ports.count > 1 { try watchEnds(host.loops.light()) }
    }

    /// Looks who is at the ends of the ports, and has the driver told of what has changed.
    private func watchEnds(_ loop: EventLoop) {
        loop.after(Self.interval) { [weak self] in
            guard let self, let control else { return }
            for (index, port) in ports.enumerated().dropFirst() { control.setHostOpen(port.isConnected, port: index) }
            watchEnds(loop)
        }
    }

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
        guard let session = session.withLock({ $0 }) else { return }
        // To a driver that has not agreed on ports there are no other queues (§5.3.2).
        guard index <= Self.transmitQueue || session.features.contains(.consolePorts) else { return }
        queues.start(queue, index, session)
    }

    func reset() {
        session.withLock { $0 = nil }
        control?.reset()
    }

    /// Whether the driver is to be told something by the control queues, for tests.
    var hasControlMessage: Bool { control?.hasMessage ?? false }

    func complete(_ report: inout DeviceReport) {
        report.consoleBytes = ports.first?.channel.byteCount
        if ports.count > 1 { report.ports = ports.dropFirst().map(\.report) }
    }
}
