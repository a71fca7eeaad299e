import DeviceModel
import LinuxHost
import SystemPackage

/// What a virtio-console does with its transmit queue: the guest's buffers go to the console's output, in their order and without
/// being copied (VIRTIO 1.2 §5.3.6).
struct ConsoleTransmitter: QueueTask {
    /// Small buffers that wait together are written together, until they have so many bytes.
    private static let batchSize: UInt64 = 64 << 10
    /// No more buffers than about so many are taken together, whatever they hold: chains without output are work too.
    private static let batchBuffers = 4096
    /// How many buffers of a queue are looked at, about, when its machine has ended, to say how much output they hold: what a driver has
    /// offered beyond that is not counted.
    private static let abandonedBuffers = 16_384

    private let channel: ConsoleChannel
    /// Its number.
    private let index: Int
    /// Called before anything is written.
    private let prepare: @Sendable () -> Void
    private var wake: EventLoop.Work = {}
    private var chain = DescriptorChain()
    /// The chains that are being written, and what is left of their bytes.
    private var heads: [UInt16] = []
    private var bytes: GuestBytes
    private var isHolder = false

    /// - Parameter index: of the queue.
    init(to channel: ConsoleChannel, memory: GuestMemory, queue index: Int, prepare: @escaping @Sendable () -> Void) {
        self.channel = channel
        self.index = index
        self.prepare = prepare
        bytes = GuestBytes(memory: memory)
    }

    mutating func begin(wake: @escaping EventLoop.Work) throws(HostError) {
        self.wake = wake
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        repeat {
            try queue.suppressNotifications()
            while try gather(from: &queue) {
                prepare()
                switch channel.pass(&bytes, isHolder: &isHolder, unless: mustYield, wake: wake) {
                case .done: break
                case .waits: return .waits
                case .again: return .again
                case .failed(let error): return .failed(error)
                }
                for head in heads { try queue.addUsed(head: head, written: 0) }
                reset()
                if try queue.publish() { session.raiseUsedBufferInterrupt(queue: index) }
                if mustYield() { return .again }
            }
        } while try queue.enableNotifications()
        return .waits
    }

    mutating func reset() {
        heads.removeAll(keepingCapacity: true)
        bytes.removeAll()
        if isHolder { channel.output.release() }
        isHolder = false
    }

    mutating func end() {
        channel.output.detach()
    }

    func hasOutput(_ queue: inout Virtqueue) -> Bool {
        // Of one that its driver has broken nothing more is taken.
        guard let offered = try? queue.availableCount() else { return false }
        return !heads.isEmpty || offered > 0
    }

    mutating func abandon(_ queue: inout Virtqueue) -> UInt64 {
        var (count, looked) = (bytes.count, 0)
        while looked < Self.abandonedBuffers, let hasMore = try? queue.nextChain(into: &chain), hasMore {
            count &+= chain.readableByteCount
            looked &+= chain.segments.count &+ 1
        }
        return count
    }

    /// Takes chains to be written, unless some were taken and not written before.
    ///
    /// - Returns: whether there are any.
    private mutating func gather(from queue: inout Virtqueue) throws(VirtqueueError) -> Bool {
        guard heads.isEmpty else { return true }
        var looked = 0
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
            looked &+= chain.segments.count &+ 1
        } while bytes.count < Self.batchSize && looked < Self.batchBuffers
        return !heads.isEmpty
    }
}

/// What a virtio-console does with its receive queue: it fills the guest's buffers with input as it comes (VIRTIO 1.2 §5.3.6).
/// Nothing is taken from the host before the guest has offered a buffer for it.
struct ConsoleReceiver: QueueTask {
    private let input: ConsoleInput?
    /// Its number.
    private let index: Int
    /// Whether someone in the guest wants the input.
    private let isOpen: @Sendable () -> Bool
    private let loops: MachineLoops
    private var buffer: WritableChain

    /// - Parameter index: of the queue.
    init(
        from input: ConsoleInput?, _ host: MachineHost, queue index: Int, isOpen: @escaping @Sendable () -> Bool
    ) {
        self.input = input
        self.index = index
        self.isOpen = isOpen
        loops = host.loops
        buffer = WritableChain(memory: host.memory)
    }

    mutating func begin(wake: @escaping EventLoop.Work) throws(HostError) {
        try input?.attach(loops.loop(for:), wake: wake)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        guard let input else { return .waits }
        // As long as there is no input the driver need not tell of buffers.
        try queue.suppressNotifications()
        while isOpen() {
            guard input.isReady else {
                input.arm()
                return .waits
            }
            guard try buffer.hold(from: &queue) else {
                if try queue.enableNotifications() { continue }
                return .waits
            }
            let count = input.read(into: &buffer.bytes)
            if count == 0, buffer.bytes.count > 0 {
                // It has ended, or nobody is there, or another process has taken what there was.
                input.arm()
                return .waits
            }
            try queue.addUsed(buffer.chain, written: UInt32(clamping: count))
            buffer.reset()
            if try queue.publish() { session.raiseUsedBufferInterrupt(queue: index) }
            if mustYield() { return .again }
        }
        return .waits
    }

    mutating func reset() {
        buffer.reset()
    }

    mutating func end() {
        input?.detach()
    }
}
