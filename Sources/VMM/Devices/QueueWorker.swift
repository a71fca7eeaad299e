import DeviceModel
import Glibc
import KVM
import LinuxHost
import Synchronization
import SystemPackage

/// A virtqueue, the thread that works on it, and the doorbell that wakes the thread.
///
/// Concurrency model: the lock is held for as long as the thread works, also while it waits for a reader of what it writes. Who needs
/// the lock tells it to let go, and interrupts its system call again and again until it has: one signal could come just before the
/// call. The thread waits for the doorbell, or for input, without the lock.
final class QueueWorker<Task: QueueTask>: DeviceQueue {
    private struct State: ~Copyable {
        var task: Task
        var queue: Virtqueue?
        var session: VirtioSession?
    }

    /// How long to wait before the thread is interrupted once more, in microseconds.
    private static var interval: UInt32 { 100 }

    private let index: Int
    private let bell: EventFD
    private let doorbell: KVMIOEventFD?
    /// Called when the host has failed.
    private let fail: @Sendable (Errno) -> Void
    private let state: Mutex<State>
    private let mustLetGo = Atomic<Bool>(false)
    /// Nil before the first start and after the end.
    private let thread = Mutex<HelperThread?>(nil)

    /// - Parameters:
    ///   - index: of the queue.
    ///   - doorbell: where the driver rings for it, to be told of it without an exit; nil where each ring is one.
    ///   - fail: called on the thread.
    init(
        _ task: Task, queue index: Int, doorbell: KVMIOEventFD?, fail: @escaping @Sendable (Errno) -> Void
    ) throws(HostError) {
        self.index = index
        self.doorbell = doorbell
        self.fail = fail
        try KickSignal.install()
        bell = try EventFD()
        state = Mutex(State(task: task))
    }

    /// Gives the thread a queue, and starts it at the first time.
    func start(_ queue: consuming Virtqueue, _ session: VirtioSession) {
        var queue = Optional(queue)
        state.withLock { state in
            state.queue = queue.take()
            state.session = session
        }
        do throws(HostError) {
            try thread.withLock { thread throws(HostError) in
                guard thread == nil else { return }
                thread = try HelperThread { self.run($0) }
                // Armed when there is someone to ring for, and for good: where the host cannot, each ring is an exit.
                try? doorbell?.signal(bell, onWriteOf: UInt32(clamping: index))
            }
        } catch {
            session.fail(.device("\(error)"))
        }
        ring()
    }

    /// There may be new chains.
    func ring() {
        bell.signal()
    }

    /// Takes the queue away. When this returns the thread uses neither it nor its chains.
    func stop() {
        letGo { state in
            state.queue = nil
            state.session = nil
            state.task.reset()
        }
        mustLetGo.store(false, ordering: .sequentiallyConsistent)
    }

    /// Ends the thread for good. The queue stays, for ``finish(unless:)``.
    func end() {
        letGo { _ in }
        thread.withLock { $0.take() }?.stop()
    }

    /// Works in the thread's place, when that has ended.
    ///
    /// - Returns: nil where there is no queue.
    func finish(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> QueueProgress? {
        state.withLock { Self.work(&$0, index, unless: shouldGiveUp) }
    }

    /// Does something with the task and its queue.
    func withTask<R>(_ body: (inout Task, inout Virtqueue) -> R) -> R? {
        state.withLock { state in
            guard var queue = state.queue.take() else { return nil }
            let result = body(&state.task, &queue)
            state.queue = consume queue
            return result
        }
    }

    private func run(_ waiter: HelperThread.Waiter) {
        KickSignal.accept()
        var descriptor = bell.number
        while waiter.wait(for: descriptor) != .ended {
            _ = bell.take()
            let progress = state.withLock { state in
                isWanted ? Self.work(&state, index) { _ in !isWanted } : nil
            }
            descriptor = bell.number
            switch progress {
            case .waitsForInput(let input): descriptor = input
            case .failed(let error): fail(error)
            case .waitsForDriver, .gaveUp, nil: break
            }
        }
    }

    private static func work(
        _ state: inout State, _ index: Int, unless shouldGiveUp: (Int64) -> Bool
    ) -> QueueProgress? {
        guard let session = state.session, var queue = state.queue.take() else { return nil }
        var progress = QueueProgress.waitsForDriver
        do throws(VirtqueueError) {
            progress = try state.task.work(on: &queue, session, unless: shouldGiveUp)
        } catch {
            session.fail(.virtqueue(queue: index, error))
        }
        state.queue = consume queue
        return progress
    }

    private var isWanted: Bool { !mustLetGo.load(ordering: .sequentiallyConsistent) }

    /// Does something when the thread has let go. From then on it does no work.
    private func letGo(_ body: (inout State) -> Void) {
        mustLetGo.store(true, ordering: .sequentiallyConsistent)
        while state.withLockIfAvailable({ body(&$0) }) == nil {
            thread.withLock { $0?.interrupt() }
            usleep(Self.interval)
        }
    }
}

/// What a device does with one of its virtqueues.
protocol QueueTask: Sendable {
    /// Works until there is nothing more to do, or until it is told to give up.
    ///
    /// - Parameters:
    ///   - queue: the same as in the call before, unless ``reset()`` came between.
    ///   - shouldGiveUp: asked now and then, with how long nothing has gone on so far, in nanoseconds.
    /// - Throws: what the driver has done wrong. It is told of it.
    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless shouldGiveUp: (_ idle: Int64) -> Bool
    ) throws(VirtqueueError) -> QueueProgress

    /// The queue was taken away with all that belongs to it.
    mutating func reset()
}

/// How a ``QueueTask`` has come to an end for now.
enum QueueProgress: Equatable {
    /// It goes on when the driver rings.
    case waitsForDriver
    /// It goes on when there is something to read.
    case waitsForInput(Int32)
    case gaveUp
    case failed(Errno)
}

/// A queue of a device, whatever the device does with it: what ``QueueWorker`` is to its backend.
protocol DeviceQueue: Sendable {
    func start(_ queue: consuming Virtqueue, _ session: VirtioSession)
    func ring()
    func stop()
    func end()
}
