import DeviceModel
import Glibc
import KVM
import LinuxHost

/// What a virtio-console does with its transmit queue: the guest's buffers go to the console's output, in their order and without
/// being copied (VIRTIO 1.2 §5.3.6).
struct ConsoleTransmitter: QueueTask {
    /// Small buffers that wait together are written together, until they have so many bytes.
    private static let batchSize: UInt64 = 64 << 10

    private let channel: ConsoleChannel
    /// Its number.
    private let index: Int
    /// Called before anything is written.
    private let prepare: @Sendable () -> Void
    private var chain = DescriptorChain()
    /// The chains that are being written, and what is left of their bytes.
    private var heads: [UInt16] = []
    private var bytes: GuestBytes

    /// - Parameter index: of the queue.
    init(
        to channel: ConsoleChannel, memory: GuestMemory, queue index: Int = VirtioConsole.transmitQueue,
        prepare: @escaping @Sendable () -> Void
    ) {
        self.channel = channel
        self.index = index
        self.prepare = prepare
        bytes = GuestBytes(memory: memory)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless shouldGiveUp: (_ idle: Int64) -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        repeat {
            try queue.suppressNotifications()
            while try gather(from: &queue) {
                prepare()
                switch channel.pass(&bytes, unless: shouldGiveUp) {
                case .done: break
                case .gaveUp: return .gaveUp
                case .failed(let error): return .failed(error)
                }
                for head in heads { try queue.addUsed(head: head, written: 0) }
                reset()
                if try queue.publish() { session.raiseUsedBufferInterrupt(queue: index) }
                if shouldGiveUp(0) { return .gaveUp }
            }
        } while try queue.enableNotifications()
        return .waitsForDriver
    }

    mutating func reset() {
        heads.removeAll(keepingCapacity: true)
        bytes.removeAll()
    }

    /// Whether the driver has offered what is not written.
    func hasOutput(_ queue: inout Virtqueue) -> Bool {
        let offered = (try? queue.availableCount()) ?? 0
        return !heads.isEmpty || offered > 0
    }

    /// How many bytes of the queue are not written, those that the driver offers now included; none of them will be.
    mutating func abandon(_ queue: inout Virtqueue) -> UInt64 {
        var count = bytes.count
        while let hasMore = try? queue.nextChain(into: &chain), hasMore { count &+= chain.readableByteCount }
        return count
    }

    /// Takes chains to be written, unless some were taken and not written before.
    ///
    /// - Returns: whether there are any.
    private mutating func gather(from queue: inout Virtqueue) throws(VirtqueueError) -> Bool {
        guard heads.isEmpty else { return true }
        repeat {
            do throws(VirtqueueError) {
                guard try queue.nextChain(into: &chain) else { break }
            } catch {
                // What was right before is written first. The queue stays broken.
                if heads.isEmpty { throw error }
                break
            }
            heads.append(chain.head)
            bytes.append(chain.readable)
        } while bytes.count < Self.batchSize
        return !heads.isEmpty
    }
}

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
