import DeviceModel
import LinuxHost

/// What a virtio-console does with its control transmit queue: it takes the driver's messages, one from each buffer (VIRTIO 1.2
/// §5.3.6.2). Each is a moment's work, and leaves nothing behind that grows.
struct ControlReceiver: QueueTask {
    private let control: ConsoleControl
    private let memory: GuestMemory
    private var chain = DescriptorChain()

    init(to control: ConsoleControl, memory: GuestMemory) {
        self.control = control
        self.memory = memory
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        repeat {
            try queue.suppressNotifications()
            while try queue.nextChain(into: &chain) {
                control.receive(chain.readableBytes(upTo: VirtioConsoleMessage.byteCount, in: memory))
                try queue.addUsed(chain, written: 0)
                if try queue.publish() { session.raiseUsedBufferInterrupt(queue: VirtioConsole.controlTransmitQueue) }
                if mustYield() { return .again }
            }
        } while try queue.enableNotifications()
        return .waits
    }

    mutating func reset() {}
}

/// What a virtio-console does with its control receive queue: it tells the driver what there is to tell, one message in each buffer
/// (VIRTIO 1.2 §5.3.6.2). A message that does not fit stays, and the buffer comes back empty.
struct ControlTransmitter: QueueTask {
    private let control: ConsoleControl
    private var buffer: WritableChain

    mutating func begin(wake: @escaping EventLoop.Work) throws(HostError) {
        control.onMessage(wake)
    }

    init(from control: ConsoleControl, memory: GuestMemory) {
        self.control = control
        buffer = WritableChain(memory: memory)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        // As long as there is nothing to tell the driver need not tell of buffers.
        try queue.suppressNotifications()
        while control.hasMessage {
            guard try buffer.hold(from: &queue) else {
                if try queue.enableNotifications() { continue }
                return .waits
            }
            let message = control.takeMessage(upTo: buffer.bytes.count)
            // What was to be told may have been taken back just now.
            if message == nil, !control.hasMessage { continue }
            let count = message.map { buffer.bytes.fill(from: $0[...]) } ?? 0
            try queue.addUsed(buffer.chain, written: UInt32(clamping: count))
            buffer.reset()
            if try queue.publish() { session.raiseUsedBufferInterrupt(queue: VirtioConsole.controlReceiveQueue) }
            if mustYield() { return .again }
        }
        return .waits
    }

    mutating func reset() {
        buffer.reset()
    }
}
