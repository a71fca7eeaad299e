import DeviceModel
import Glibc

/// What a virtio-console does with its receive queue: it fills the guest's buffers with input as it comes (VIRTIO 1.2 §5.3.6).
/// Nothing is taken from the host before the guest has offered a buffer for it.
struct ConsoleReceiver: QueueTask {
    /// In microseconds.
    private static let restAfterNothing: UInt32 = 500

    private let input: ConsoleInput?
    /// Its number.
    private let index: Int
    /// Nil where the guest's end is always open.
    private let gate: ConsoleGate?
    private var buffer: WritableChain

    /// - Parameters:
    ///   - index: of the queue.
    ///   - gate: opens when someone in the guest wants the input; nil where it always is wanted.
    init(
        from input: ConsoleInput?, memory: GuestMemory, queue index: Int = VirtioConsole.receiveQueue,
        gate: ConsoleGate? = nil
    ) {
        self.input = input
        self.index = index
        self.gate = gate
        buffer = WritableChain(memory: memory)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless shouldGiveUp: (_ idle: Int64) -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        guard let input else { return .waitsForDriver }
        // As long as there is no input the driver need not tell of buffers.
        try queue.suppressNotifications()
        while !shouldGiveUp(0) {
            if let gate, !gate.isOpen { return .waitsForInput(gate.number) }
            guard input.isReady else { return input.watchedDescriptor.map { .waitsForInput($0) } ?? .waitsForDriver }
            guard try buffer.hold(from: &queue) else {
                if try queue.enableNotifications() { continue }
                return .waitsForDriver
            }
            let count = input.read(into: &buffer.bytes)
            if count == 0, buffer.bytes.count > 0 {
                // It has ended, or another process has taken what was there, or there is nothing although poll(2) says so.
                usleep(Self.restAfterNothing)
                continue
            }
            try queue.addUsed(buffer.chain, written: UInt32(clamping: count))
            buffer.reset()
            if try queue.publish() { session.raiseUsedBufferInterrupt(queue: index) }
        }
        return .gaveUp
    }

    mutating func reset() {
        buffer.reset()
    }
}
