import LinuxHost
import Synchronization

/// Tasks that wait until a guest has taken enough to have room for what they send, in their order.
struct Senders {
    struct Sender {
        let id: UInt64
        let continuation: CheckedContinuation<SendResult, Never>
        /// What there was no room for yet.
        var rest: ArraySlice<UInt8>

        var takenCount: Int { rest.startIndex }
    }

    var waiting: [Sender] = []
    var nextID: UInt64 = 0
    /// Whether the machine is over.
    var hasEnded = false
}

/// How many bytes were taken, and why no more.
typealias SendResult = (count: Int, cause: GuestStreamError.Cause?)

/// What is to be done without a lock when bytes were taken.
struct SendNotice {
    var done: [Senders.Sender] = []
    var arrival: EventLoop.Work?

    func tell() {
        for sender in done { sender.continuation.resume(returning: (sender.takenCount, nil)) }
        arrival?()
    }
}

extension ConsoleInput {
    /// Adds bytes to a queue, as there is room for them, behind those of whoever waits already.
    ///
    /// - Returns: how many were added, and why not all.
    nonisolated(nonsending) func send(_ bytes: [UInt8]) async -> SendResult {
        let id = state.withLock { state in
            state.senders.nextID &+= 1
            return state.senders.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let sender = Senders.Sender(id: id, continuation: continuation, rest: bytes[...])
                let (notice, cause) = state.withLock { state -> (SendNotice, GuestStreamError.Cause?) in
                    if state.senders.hasEnded { return (SendNotice(), .ended) }
                    // Under the lock: a cancellation after this look finds the sender.
                    if Task.isCancelled { return (SendNotice(), .cancelled) }
                    state.senders.waiting.append(sender)
                    return (takeSent(&state), nil)
                }
                notice.tell()
                if let cause { continuation.resume(returning: (0, cause)) }
            }
        } onCancel: {
            let sender = state.withLock { state -> Senders.Sender? in
                let index = state.senders.waiting.firstIndex { $0.id == id }
                return index.map { state.senders.waiting.remove(at: $0) }
            }
            if let sender { sender.continuation.resume(returning: (sender.takenCount, .cancelled)) }
        }
    }

    /// Adds bytes to a queue where there is room for all of them and nobody waits.
    ///
    /// - Returns: whether it has added them; false where the task is cancelled or the machine over, too.
    func sendAtOnce(_ bytes: [UInt8]) -> Bool {
        if Task.isCancelled { return false }
        let notice = state.withLock { state -> SendNotice? in
            guard !state.senders.hasEnded, state.senders.waiting.isEmpty, room(in: state) >= bytes.count else {
                return nil
            }
            add(bytes, &state)
            return SendNotice(arrival: state.arrival)
        }
        notice?.tell()
        return notice != nil
    }

    /// Takes from those who wait as much as there is room for.
    func takeSent(_ state: inout State) -> SendNotice {
        var notice = SendNotice()
        while let sender = state.senders.waiting.first {
            let part = sender.rest.prefix(room(in: state))
            if !part.isEmpty { notice.arrival = state.arrival }
            add(part, &state)
            state.senders.waiting[0].rest = sender.rest.dropFirst(part.count)
            guard state.senders.waiting[0].rest.isEmpty else { break }
            notice.done.append(state.senders.waiting.removeFirst())
        }
        return notice
    }
}

extension ConsoleInput: ConsoleEnd {
    var kind: String { "input" }
    func claim() -> Bool { machineClaim.take() }

    /// Nobody takes anything any more.
    func machineEnded() {
        let waiting = state.withLock { state in
            state.senders.hasEnded = true
            defer { state.senders.waiting = [] }
            return state.senders.waiting
        }
        for sender in waiting { sender.continuation.resume(returning: (sender.takenCount, .ended)) }
    }
}
