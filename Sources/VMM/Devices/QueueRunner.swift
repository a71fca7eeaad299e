import DeviceModel
import LinuxHost
import Synchronization
import SystemPackage

/// What a device does with one of its virtqueues.
protocol QueueTask: Sendable {
    /// Prepares what the task waits for besides the driver, before the machine runs.
    ///
    /// - Parameter wake: has ``work(on:_:unless:)`` called again, from any thread.
    mutating func begin(wake: @escaping EventLoop.Work) throws(HostError)

    /// Works until there is nothing more to do, or others should have their turn. It never waits, unless on a worker.
    ///
    /// - Parameters:
    ///   - queue: the same as in the call before, unless ``reset()`` came between.
    ///   - mustYield: asked now and then.
    /// - Throws: what the driver has done wrong. It is told of it.
    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress

    /// The queue was taken away with all that belongs to it.
    mutating func reset()

    /// The machine has ended.
    mutating func end()

    /// How many bytes the driver has given that are not taken by the host, and will not be. To be asked once.
    mutating func abandon(_ queue: inout Virtqueue) -> UInt64

    /// Whether the driver has given something that the host has not taken.
    func hasOutput(_ queue: inout Virtqueue) -> Bool
}

extension QueueTask {
    mutating func begin(wake: @escaping EventLoop.Work) throws(HostError) {}
    mutating func end() {}
    mutating func abandon(_ queue: inout Virtqueue) -> UInt64 { 0 }
    func hasOutput(_ queue: inout Virtqueue) -> Bool { false }
}

/// How a ``QueueTask`` has come to an end for now.
enum QueueProgress: Equatable {
    /// It goes on when the driver rings, or what it waits for wakes it.
    case waits
    case again
    case failed(Errno)
}

/// A queue of a device, whatever the device does with it.
protocol DeviceQueue: Sendable {
    func begin() throws(HostError)
    func start(_ queue: consuming Virtqueue, _ session: VirtioSession)
    func ring()
    func stop()
    var isIdle: Bool { get }
    func end() -> UInt64
}

/// A virtqueue, the loop that works on it, and the doorbell that wakes the loop.
///
/// Concurrency model: the lock is held while the loop works, which is no more than a millisecond, or one call of the system on a worker.
/// Whoever takes the queue away waits that long.
final class QueueRunner<Task: QueueTask>: DeviceQueue {
    private struct State: ~Copyable {
        var task: Task
        var queue: Virtqueue?
        var session: VirtioSession?
    }

    /// How long the loop works before others have their turn, in nanoseconds.
    private static var turn: Int64 { 1_000_000 }

    private let index: Int
    private let host: MachineHost
    private let loop: EventLoop
    private let doorbell: VirtioDoorbell?
    private let state: Mutex<State>
    /// Whether work was handed to the loop and has not begun.
    private let isPosted = Atomic<Bool>(false)
    /// Rung by the kernel; made when the queue is started first.
    private let event = Mutex<EventFD?>(nil)

    /// - Parameters:
    ///   - index: of the queue.
    ///   - doorbell: where the driver rings for it, to be told of it without an exit; nil where each ring is one.
    init(_ task: Task, queue index: Int, on loop: EventLoop, doorbell: VirtioDoorbell?, host: MachineHost) {
        self.index = index
        self.loop = loop
        self.doorbell = doorbell
        self.host = host
        state = Mutex(State(task: task))
    }

    func begin() throws(HostError) {
        try state.withLock { state throws(HostError) in
            try state.task.begin { [weak self] in self?.ring() }
        }
    }

    /// Gives the loop a queue.
    func start(_ queue: consuming Virtqueue, _ session: VirtioSession) {
        var queue = Optional(queue)
        state.withLock { state in
            state.queue = queue.take()
            state.session = session
        }
        do throws(HostError) {
            try armDoorbell()
        } catch {
            // None of the guest's fault.
            host.control.fail(.host(error))
        }
        ring()
    }

    /// Armed when there is someone to ring for, and for good: where the host cannot, each ring is an exit.
    private func armDoorbell() throws(HostError) {
        guard let doorbell else { return }
        try event.withLock { event throws(HostError) in
            guard event == nil else { return }
            let new = try EventFD()
            let number = new.number
            try loop.watch(number) { [weak self] in
                _ = self?.event.withLock { $0?.take() }
                self?.work()
            }
            doorbell.signal(new, onWriteOf: UInt32(clamping: index))
            event = consume new
        }
    }

    /// There may be new chains.
    func ring() {
        guard !isPosted.exchange(true, ordering: .sequentiallyConsistent) else { return }
        // Only what was posted takes the mark away: else each doorbell would add another piece that posts itself again.
        loop.post { [weak self] in
            self?.isPosted.store(false, ordering: .sequentiallyConsistent)
            self?.work()
        }
    }

    /// Takes the queue away. When this returns the loop uses neither it nor its chains.
    func stop() {
        state.withLock { state in
            state.queue = nil
            state.session = nil
            state.task.reset()
        }
    }

    /// A worker that is in a call of the system is not.
    var isIdle: Bool {
        state.withLockIfAvailable { state in
            Self.withQueue(&state) { task, queue in !task.hasOutput(&queue) } ?? true
        } ?? false
    }

    /// The loop has ended, or hangs in the system and is left to itself.
    ///
    /// - Returns: how many bytes the host has not taken.
    func end() -> UInt64 {
        state.withLockIfAvailable { state in
            let count = Self.withQueue(&state) { task, queue in task.abandon(&queue) } ?? 0
            state.queue = nil
            state.session = nil
            state.task.reset()
            state.task.end()
            return count
        } ?? 0
    }

    private static func withQueue<R>(_ state: inout State, _ body: (inout Task, inout Virtqueue) -> R) -> R? {
        guard var queue = state.queue.take() else { return nil }
        let result = body(&state.task, &queue)
        state.queue = consume queue
        return result
    }

    private func work() {
        let end = MonotonicClock.now &+ Self.turn
        let progress = state.withLock { Self.work(&$0, index) { MonotonicClock.now >= end } }
        host.noteProgress()
        switch progress {
        case .again: ring()
        case .failed(let error): host.control.fail(.output(error))
        case .waits: break
        }
    }

    private static func work(_ state: inout State, _ index: Int, unless mustYield: () -> Bool) -> QueueProgress {
        guard let session = state.session, var queue = state.queue.take() else { return .waits }
        var progress = QueueProgress.waits
        do throws(VirtqueueError) {
            progress = try state.task.work(on: &queue, session, unless: mustYield)
        } catch {
            session.fail(.virtqueue(queue: index, error))
        }
        state.queue = consume queue
        return progress
    }
}
