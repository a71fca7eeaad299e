import Synchronization

@testable import DeviceModel
@testable import VMM

/// A virtio-console with two ports more that works in the calls themselves instead of on threads.
final class StepwiseConsole: VirtioBackend {
    static let portCount = 3

    let deviceID: UInt32 = 3
    let features: VirtioFeatures = [.indirectDescriptors, .eventIndex, .consolePorts]
    let queueSizes = [UInt16](repeating: 4, count: 2 * StepwiseConsole.portCount + 2)
    let configuration = VirtioConfiguration()
    let control: ConsoleControl
    private let channels: [ConsoleChannel]
    private let queues: [any StepwiseWork]
    private let session = Mutex<VirtioSession?>(nil)

    init(memory: GuestMemory, outputs: [ConsoleOutput], input: ConsoleInput) {
        let ports = outputs.indices.map { index in
            VirtioConsolePort(name: index == 0 ? [] : Array("port".utf8), isConsole: index == 0, isHostOpen: index < 2)
        }
        guard let control = try? ConsoleControl(VirtioConsolePorts(ports, size: ConsoleSize(columns: 80, rows: 25)))
        else {
            preconditionFailure("no event descriptors")
        }
        self.control = control
        channels = outputs.enumerated().map { ConsoleChannel(to: $1, dropsWhenFailed: $0 > 0) }
        var queues: [any StepwiseWork] = []
        for (index, channel) in channels.enumerated() {
            let number = VirtioConsole.receiveQueue(ofPort: index)
            let receiver = ConsoleReceiver(
                from: index == 2 ? nil : input, memory: memory, queue: number, gate: control.gates[index])
            queues.append(StepwiseQueue(receiver, queue: number))
            let transmitter = ConsoleTransmitter(to: channel, memory: memory, queue: number + 1) {}
            queues.append(StepwiseQueue(transmitter, queue: number + 1))
            guard index == 0 else { continue }
            queues.append(StepwiseQueue(ControlTransmitter(from: control, memory: memory), queue: 2))
            queues.append(StepwiseQueue(ControlReceiver(to: control, memory: memory), queue: 3))
        }
        self.queues = queues
    }

    /// How many bytes a port has taken and not lost.
    func byteCount(_ port: Int) -> UInt64 { channels[port].byteCount - channels[port].lostCount }

    func activate(_ session: VirtioSession) {
        self.session.withLock { $0 = session }
        control.begin(hasPorts: session.features.contains(.consolePorts))
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        queues[index].start(queue)
        notify(queue: index)
    }

    func stop(queue index: Int) {
        queues[index].stop()
    }

    /// What one queue has done may be for another to go on with.
    func notify(queue index: Int) {
        guard let session = session.withLock({ $0 }) else { return }
        queues[index].work(session)
        for queue in queues { queue.work(session) }
    }

    func reset() {
        session.withLock { $0 = nil }
        control.reset()
    }
}
