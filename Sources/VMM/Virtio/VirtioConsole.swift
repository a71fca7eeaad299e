import DeviceModel
import KVM
import Synchronization

/// A virtio-console with one port (VIRTIO 1.2 §5.3). Each of its two queues has a thread, so that a reader who takes no output
/// does not hold up the input.
final class VirtioConsole: VirtioBackend {
    static let receiveQueue = 0
    static let transmitQueue = 1

    let deviceID: UInt32 = 3
    let features: VirtioFeatures = [.indirectDescriptors, .eventIndex]
    let queueSizes: [UInt16] = [256, 256]
    /// Every field belongs to a feature that is not offered.
    let configuration = VirtioConfiguration()

    private let receiver: QueueWorker<ConsoleReceiver>
    private let transmitter: QueueWorker<ConsoleTransmitter>
    private let session = Mutex<VirtioSession?>(nil)
    private let rings = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - doorbell: where the driver rings; nil where each ring is an exit.
    ///   - fail: called when the output cannot be written.
    init(
        receiver: ConsoleReceiver, transmitter: ConsoleTransmitter, doorbell: KVMDoorbell?,
        fail: @escaping @Sendable (SystemError) -> Void
    ) throws(KVMError) {
        self.receiver = try QueueWorker(receiver, queue: Self.receiveQueue, doorbell: doorbell, fail: fail)
        self.transmitter = try QueueWorker(transmitter, queue: Self.transmitQueue, doorbell: doorbell, fail: fail)
    }

    func activate(_ session: VirtioSession) {
        self.session.withLock { $0 = session }
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        guard let session = session.withLock({ $0 }) else { return }
        if index == Self.receiveQueue {
            receiver.start(queue, session)
        } else {
            transmitter.start(queue, session)
        }
    }

    func stop(queue index: Int) {
        if index == Self.receiveQueue { receiver.stop() } else { transmitter.stop() }
    }

    /// How many times the driver rang by an exit.
    var ringCount: UInt64 { rings.load(ordering: .relaxed) }

    func notify(queue index: Int) {
        rings.wrappingAdd(1, ordering: .relaxed)
        if index == Self.receiveQueue { receiver.ring() } else { transmitter.ring() }
    }

    func reset() {
        session.withLock { $0 = nil }
    }

    /// Ends the threads, whatever they wait for. The machine runs no more.
    func end() {
        receiver.end()
        transmitter.end()
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
