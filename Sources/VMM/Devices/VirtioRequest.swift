import LinuxHost
import Synchronization

/// What a driver asks of a virtio device of an embedder's own: a chain of buffers (VIRTIO 1.2 §2.7.4), of which the bytes to read were
/// copied, and those to write are filled when it is completed.
///
/// It can be kept, and completed later. One that is let go without that is completed with no bytes, so that no driver waits for an
/// answer that nobody can give any more.
///
/// Concurrency model: any thread may complete it, at any time. Guest memory is written, and the driver told, by the machine's own
/// thread soon after; while the machine is paused that waits until it goes on.
public final class VirtioRequest: Sendable {
    /// The number of the queue that it came by, from 0 on.
    public let queue: Int
    /// What the driver gave to read, from however many buffers.
    public let bytes: [UInt8]
    /// How many bytes the driver takes as the answer, up to 2³².
    public let room: Int
    private let ticket: UInt64
    private let completions: RequestCompletions
    private let isComplete = Atomic<Bool>(false)

    init(queue: Int, bytes: [UInt8], room: Int, ticket: UInt64, _ completions: RequestCompletions) {
        self.queue = queue
        self.bytes = bytes
        self.room = room
        self.ticket = ticket
        self.completions = completions
    }

    deinit {
        complete()
    }

    /// Gives the request back to the driver. It counts once: what comes after the first time does nothing.
    ///
    /// - Parameter answer: goes to the buffers to write, in their order. What is more than ``room`` is left out.
    /// - Returns: whether the driver gets it, as far as can be known now; false where it was completed before, the driver has taken the
    ///   queue back, or the run is over. A receive queue's device then gives what it has to the next request.
    @discardableResult
    public func complete(with answer: [UInt8] = []) -> Bool {
        guard !isComplete.exchange(true, ordering: .relaxed) else { return false }
        return completions.add(ticket, answer)
    }
}

/// What an embedder's device has completed of a queue and the machine has not given back to the driver.
///
/// Each request has a ticket that no other one of the queue ever has. So an answer that comes too late, after the queue was taken back,
/// cannot be taken for that of another request, and no more answers wait than there are requests.
final class RequestCompletions: Sendable {
    private struct State {
        var nextTicket: UInt64 = 0
        /// Older requests than this were taken back.
        var firstValid: UInt64 = 0
        var answers: [(ticket: UInt64, bytes: [UInt8])] = []
        var wake: EventLoop.Work = {}
    }

    private let state = Mutex(State())

    /// - Parameter wake: called when there is something to give back.
    func begin(wake: @escaping EventLoop.Work) {
        state.withLock { $0.wake = wake }
    }

    func makeTicket() -> UInt64 {
        state.withLock { state in
            defer { state.nextTicket &+= 1 }
            return state.nextTicket
        }
    }

    /// - Returns: false where the request was taken back.
    func add(_ ticket: UInt64, _ bytes: [UInt8]) -> Bool {
        let wake: EventLoop.Work? = state.withLock { state in
            guard ticket >= state.firstValid else { return nil }
            state.answers.append((ticket, bytes))
            return state.wake
        }
        wake?()
        return wake != nil
    }

    /// Takes all answers, in the order in which they were given.
    func take() -> [(ticket: UInt64, bytes: [UInt8])] {
        state.withLock { state in
            var answers: [(ticket: UInt64, bytes: [UInt8])] = []
            swap(&answers, &state.answers)
            return answers
        }
    }

    var isEmpty: Bool { state.withLock { $0.answers.isEmpty } }

    /// The driver has taken the queue back.
    func reset() {
        state.withLock { state in
            state.firstValid = state.nextTicket
            state.answers = []
        }
    }

    /// The machine has ended.
    func end() {
        state.withLock { state in
            state.firstValid = .max
            state.answers = []
            state.wake = {}
        }
    }
}
