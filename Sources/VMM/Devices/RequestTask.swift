import DeviceModel
import LinuxHost

/// What a virtio device of an embedder's own does with a queue: each chain becomes a request for the device, and each answer goes back to
/// the driver. It touches guest memory alone, so it takes its turn on the loop for light work, and never waits for the device.
struct RequestTask: QueueTask {
    /// How many bytes of an answer are written before others may have their turn.
    private static let part = 64 << 10

    /// A request that the device has not answered.
    private struct Held {
        let head: UInt16
        let room: GuestBytes
    }

    /// An answer on its way to guest memory.
    private struct Answer {
        let head: UInt16
        var room: GuestBytes
        var rest: ArraySlice<UInt8>
        var written = 0
    }

    private let caller: DeviceCaller
    private let memory: GuestMemory
    /// Its number.
    private let index: Int
    private let limit: Int
    private let completions = RequestCompletions()
    private var chain = DescriptorChain()
    /// By their tickets; no more than the queue has entries.
    private var held: [UInt64: Held] = [:]
    /// What was answered and is not given back, the next one last.
    private var answers: [(ticket: UInt64, bytes: [UInt8])] = []
    private var current: Answer?
    /// Whether the driver was told to reset the device.
    private var isBroken = false

    /// - Parameters:
    ///   - index: of the queue.
    ///   - limit: how many bytes to read a request may have.
    init(for caller: DeviceCaller, memory: GuestMemory, queue index: Int, limit: Int) {
        self.caller = caller
        self.memory = memory
        self.index = index
        self.limit = limit
    }

    mutating func begin(wake: @escaping EventLoop.Work) throws(HostError) {
        completions.begin(wake: wake)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        guard !isBroken else { return .waits }
        guard try giveBack(to: &queue, session, unless: mustYield) else { return .again }
        repeat {
            try queue.suppressNotifications()
            while try queue.nextChain(into: &chain) {
                if let reason = refusal {
                    isBroken = true
                    session.fail(.device("queue \(index): \(reason)"))
                    return .waits
                }
                handIn()
                if mustYield() { return .again }
            }
        } while try queue.enableNotifications()
        return .waits
    }

    mutating func reset() {
        // First: what the device is not told of any more is completed when it goes.
        completions.reset()
        held.removeAll()
        answers.removeAll()
        current = nil
        isBroken = false
        caller.stop(queue: index)
    }

    mutating func end() {
        completions.end()
    }

    func hasOutput(_ queue: inout Virtqueue) -> Bool {
        // Of one that its driver has broken nothing more is taken.
        guard !isBroken, let offered = try? queue.availableCount() else { return false }
        return offered > 0 || current != nil || !answers.isEmpty || !completions.isEmpty || caller.isBusy(queue: index)
    }

    /// Why the chain can be no request, if so.
    private var refusal: String? {
        guard chain.readableByteCount > UInt64(limit) else { return nil }
        return "a request of \(chain.readableByteCount) bytes, and the device takes \(limit) at most"
    }

    private mutating func handIn() {
        let ticket = completions.makeTicket()
        var room = GuestBytes(memory: memory)
        room.append(chain.writable)
        held[ticket] = Held(head: chain.head, room: room)
        caller.add(
            VirtioRequest(
                queue: index, bytes: chain.readableBytes(upTo: limit, in: memory),
                room: Int(clamping: chain.writableByteCount), ticket: ticket, completions))
    }

    /// - Returns: false where others should have their turn.
    private mutating func giveBack(
        to queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> Bool {
        while var answer = current.take() ?? nextAnswer() {
            let count = answer.room.fill(from: answer.rest.prefix(Self.part))
            answer.room.removeFirst(count)
            answer.rest = answer.rest.dropFirst(count)
            answer.written &+= count
            if answer.rest.isEmpty || count == 0 {
                try queue.addUsed(head: answer.head, written: UInt32(clamping: answer.written))
                if try queue.publish() { session.raiseUsedBufferInterrupt(queue: index) }
            } else {
                current = answer
            }
            if mustYield() { return false }
        }
        return true
    }

    /// The next one in the order in which they were given.
    private mutating func nextAnswer() -> Answer? {
        if answers.isEmpty { answers = completions.take().reversed() }
        while let (ticket, bytes) = answers.popLast() {
            guard let request = held.removeValue(forKey: ticket) else { continue }
            return Answer(
                head: request.head, room: request.room, rest: bytes.prefix(Int(clamping: request.room.count)))
        }
        return nil
    }
}
