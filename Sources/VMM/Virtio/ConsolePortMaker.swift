import DeviceModel
import KVM

/// Makes the ports of one console.
struct ConsolePortMaker {
    private let doorbell: KVMDoorbell?
    private let memory: GuestMemory
    private let gates: [ConsoleGate]
    private let prepare: @Sendable () -> Void
    private let fail: @Sendable (SystemError) -> Void

    init(
        _ wiring: VirtioConsoleDevice.Wiring, _ memory: GuestMemory, _ bus: Bus, _ control: ConsoleControl?
    ) {
        let (coalescing, run) = (wiring.coalescing, wiring.control)
        doorbell = wiring.doorbell
        self.memory = memory
        gates = control?.gates ?? []
        prepare = { coalescing?.drain(into: bus) }
        fail = { run.end(.failure(.output($0))) }
    }

    /// - Parameter index: from 0, the console's, on.
    func make(_ index: Int, name: String, _ channel: ConsoleChannel, input: ConsoleInput?) throws(KVMError)
        -> ConsolePort
    {
        let queue = VirtioConsole.receiveQueue(ofPort: index)
        let gate = gates.indices.contains(index) ? gates[index] : nil
        return ConsolePort(
            name: name, channel: channel, input: input,
            receiver: try QueueWorker(
                ConsoleReceiver(from: input, memory: memory, queue: queue, gate: gate), queue: queue,
                doorbell: doorbell, fail: fail),
            transmitter: try QueueWorker(
                ConsoleTransmitter(to: channel, memory: memory, queue: queue &+ 1, prepare: prepare),
                queue: queue &+ 1, doorbell: doorbell, fail: fail))
    }
}
