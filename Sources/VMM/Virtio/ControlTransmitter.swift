import DeviceModel

/// What a virtio-console does with its control receive queue: it tells the driver what there is to tell, one message in each buffer
/// (VIRTIO 1.2 §5.3.6.2). A message that does not fit stays, and the buffer comes back empty.
struct ControlTransmitter: QueueTask {
    private let control: ConsoleControl
    private var buffer: WritableChain

    init(from control: ConsoleControl, memory: GuestMemory) {
        self.control = control
        buffer = WritableChain(memory: memory)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless shouldGiveUp: (_ idle: Int64) -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        // As long as there is nothing to tell the driver need not tell of buffers.
        try queue.suppressNotifications()
        while !shouldGiveUp(0) {
            guard control.hasMessage else { return .waitsForInput(control.messageEvent) }
            guard try buffer.hold(from: &queue) else {
                if try queue.enableNotifications() { continue }
                return .waitsForDriver
            }
            let message = control.takeMessage(upTo: buffer.bytes.count)
            // What was to be told may have been taken back just now.
            if message == nil, !control.hasMessage { continue }
            let count = message.map { buffer.bytes.fill(from: $0[...]) } ?? 0
            try queue.addUsed(buffer.chain, written: UInt32(clamping: count))
            buffer.reset()
            if try queue.publish() { session.raiseUsedBufferInterrupt(queue: VirtioConsole.controlReceiveQueue) }
        }
        return .gaveUp
    }

    mutating func reset() {
        buffer.reset()
    }
}
