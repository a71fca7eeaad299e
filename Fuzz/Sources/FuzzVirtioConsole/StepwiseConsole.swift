import Synchronization

@testable import DeviceModel
@testable import VMM

/// A virtio-console with two ports more that works in the calls themselves instead of on a loop: each queue when its driver rings, and
/// when what it waits for wakes it.
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
    /// Queues that were woken, in that order.
    private let woken = Mutex<[Int]>([])

    /// - Parameter inputs: of the first ports.
    init(memory: GuestMemory, outputs: [ConsoleOutput], inputs: [ConsoleInput]) {
        let ports = outputs.indices.map { index in
            VirtioConsolePort(name: index == 0 ? [] : Array("port".utf8), isConsole: index == 0, isHostOpen: index < 2)
        }
        let control = ConsoleControl(VirtioConsolePorts(ports, size: ConsoleSize(columns: 80, rows: 25)))
        guard let host = try? MachineHost(memory: memory, output: outputs[0]) else { preconditionFailure("no host") }
        self.control = control
        channels = outputs.enumerated().map { ConsoleChannel(to: $1, dropsWhenFailed: $0 > 0) }
        var queues: [any StepwiseWork] = []
        for (index, channel) in channels.enumerated() {
            let number = VirtioConsole.receiveQueue(ofPort: index)
            let receiver = ConsoleReceiver(
                from: inputs.indices.contains(index) ? inputs[index] : nil, host, queue: number
            ) { control.isOpen(port: index) }
            queues.append(StepwiseQueue(receiver, queue: number))
            let transmitter = ConsoleTransmitter(to: channel, memory: memory, queue: number + 1) {}
            queues.append(StepwiseQueue(transmitter, queue: number + 1))
            guard index == 0 else { continue }
            queues.append(StepwiseQueue(ControlTransmitter(from: control, memory: memory), queue: 2))
            queues.append(StepwiseQueue(ControlReceiver(to: control, memory: memory), queue: 3))
        }
        self.queues = queues
        for index in queues.indices { queues[index].begin { [weak self] in self?.wake(index) } }
        for index in channels.indices {
            let number = VirtioConsole.receiveQueue(ofPort: index)
            control.onOpen(port: index) { [weak self] in self?.wake(number) }
        }
    }

    private func wake(_ index: Int) {
        woken.withLock { if !$0.contains(index) { $0.append(index) } }
    }

    /// How many bytes a port has taken and not lost.
    func byteCount(_ port: Int) -> UInt64 { channels[port].byteCount - channels[port].lostCount }

    func activate(_ session: VirtioSession) {
        self.session.withLock { $0 = session }
        control.begin(hasPorts: session.features.contains(.consolePorts))
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        // As the real one does: to a driver that has not agreed on ports there are no other queues.
        let hasPorts = session.withLock { $0?.features.contains(.consolePorts) ?? false }
        guard index <= VirtioConsole.transmitQueue || hasPorts else { return }
        queues[index].start(queue)
        notify(queue: index)
    }

    func stop(queue index: Int) {
        queues[index].stop()
    }

    func notify(queue index: Int) {
        wake(index)
        settle()
    }

    /// Lets those go on that were woken, and those that they wake.
    func settle() {
        guard let session = session.withLock({ $0 }) else { return }
        var rounds = 0
        while let index = woken.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            queues[index].work(session)
            rounds += 1
            precondition(rounds < 1_000, "the queues wake each other for ever")
        }
    }

    func reset() {
        session.withLock { $0 = nil }
        control.reset()
    }

    /// The machine has ended.
    func end() {
        for queue in queues { queue.end() }
    }
}
