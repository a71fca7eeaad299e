import DeviceModel

/// What a virtio-console does with its control receive queue: it tells the driver what there is to tell, one message in each buffer
/// (VIRTIO 1.2 §5.3.6.2). A message that does not fit stays, and the buffer comes back empty.
struct ControlTransmitter: QueueTask {
    private let control: ConsoleControl
    private var chain = DescriptorChain()
    private var room: GuestBytes
    /// Whether the chain was taken and not given back.
    private var holdsChain = false

    init(from control: ConsoleControl, memory: GuestMemory) {
        self.control = control
        room = GuestBytes(memory: memory)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless shouldGiveUp: (_ idle: Int64) -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        // As long as there is nothing to tell the driver need not tell of buffers.
        try queue.suppressNotifications()
        while !shouldGiveUp(0) {
            guard control.hasMessage else { return .waitsForInput(control.messageEvent) }
            guard try holdChain(&queue) else {
                if try queue.enableNotifications() { continue }
                return .waitsForDriver
            }
            let message = control.takeMessage(upTo: room.count)
            // What was to be told may have been taken back just now.
            if message == nil, !control.hasMessage { continue }
            let count = message.map { room.fill(from: $0[...]) } ?? 0
            try queue.addUsed(chain, written: UInt32(clamping: count))
            reset()
            if try queue.publish() { session.raiseUsedBufferInterrupt(queue: VirtioConsole.controlReceiveQueue) }
        }
        return .gaveUp
    }

    mutating func reset() {
        holdsChain = false
        room.removeAll()
    }

    private mutating func holdChain(_ queue: inout Virtqueue) throws(VirtqueueError) -> Bool {
        if !holdsChain, try queue.nextChain(into: &chain) {
            room.append(chain.writable)
            holdsChain = true
        }
        return holdsChain
    }
}
