import DeviceModel
import KVM
import LinuxHost
import SystemPackage

/// A port of a virtio-console at work: its two queues with a thread each, so that a reader who takes no output does not hold up the
/// input, and what they lead to.
struct ConsolePort: Sendable {
    /// Empty for the console itself.
    let name: String
    let channel: ConsoleChannel
    let input: ConsoleInput?
    let receiver: QueueWorker<ConsoleReceiver>
    let transmitter: QueueWorker<ConsoleTransmitter>

    /// Whether there is someone at its end. A line that was hung up has ended for the guest when it has read what came before.
    var isConnected: Bool {
        channel.failure == nil && (channel.isConnected || input?.hasUnreadBytes ?? false)
    }

    var report: VirtioPortReport {
        VirtioPortReport(
            name: name, bytes: channel.byteCount &- channel.lostCount, droppedBytes: channel.lostCount,
            failure: channel.failure?.description)
    }

    /// Ends the threads, whatever they wait for. The machine runs no more.
    func end() {
        receiver.end()
        transmitter.end()
    }

    /// Whether there is output for a reader that takes none just now.
    var isHeldUp: Bool {
        guard !channel.hasRoom else { return false }
        return transmitter.withTask { task, queue in task.hasOutput(&queue) } ?? false
    }

    /// Writes what the guest has offered and the thread has not written.
    func finish(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        switch transmitter.finish(unless: shouldGiveUp) {
        case .gaveUp: .gaveUp
        case .failed(let error): .failed(error)
        case .waitsForDriver, .waitsForInput, nil: .done
        }
    }

    /// How much output is not written and will not be, in bytes.
    func abandonOutput() -> UInt64 {
        transmitter.withTask { task, queue in task.abandon(&queue) } ?? 0
    }
}

/// Makes the ports of one console.
struct ConsolePortMaker {
    private let doorbell: KVMIOEventFD?
    private let memory: GuestMemory
    private let gates: [ConsoleGate]
    private let prepare: @Sendable () -> Void
    private let fail: @Sendable (Errno) -> Void

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
    func make(_ index: Int, name: String, _ channel: ConsoleChannel, input: ConsoleInput?) throws(HostError)
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
