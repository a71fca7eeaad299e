import DeviceModel
import KVM

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
