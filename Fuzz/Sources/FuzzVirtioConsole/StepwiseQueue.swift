import DeviceModel
import LinuxHost
import Synchronization

@testable import VMM

/// A queue and its task without a thread: it works when it is told to.
final class StepwiseQueue<Task: QueueTask>: StepwiseWork {
    private struct State: ~Copyable {
        var task: Task
        var queue: Virtqueue?
    }

    private let index: Int
    private let state: Mutex<State>

    init(_ task: Task, queue index: Int) {
        self.index = index
        state = Mutex(State(task: task))
    }

    func begin(wake: @escaping EventLoop.Work) {
        state.withLock { state in
            do throws(HostError) { try state.task.begin(wake: wake) } catch { preconditionFailure("\(error)") }
        }
    }

    func start(_ queue: consuming Virtqueue) {
        var queue = Optional(queue)
        state.withLock { $0.queue = queue.take() }
    }

    func stop() {
        state.withLock { state in
            state.queue = nil
            state.task.reset()
        }
    }

    func work(_ session: VirtioSession) {
        state.withLock { state in
            guard var queue = state.queue.take() else { return }
            do throws(VirtqueueError) {
                let progress = try state.task.work(on: &queue, session, unless: { false })
                // Nobody asked it to yield.
                precondition(progress != .again)
            } catch {
                session.fail(.virtqueue(queue: index, error))
            }
            state.queue = consume queue
        }
    }

    func end() {
        state.withLock { state in
            if var queue = state.queue.take() {
                let hasOutput = state.task.hasOutput(&queue)
                let count = state.task.abandon(&queue)
                precondition(hasOutput || count == 0)
            }
            state.task.reset()
            state.task.end()
        }
    }
}

/// What ``StepwiseQueue`` is, whatever its task.
protocol StepwiseWork: Sendable {
    func begin(wake: @escaping EventLoop.Work)
    func start(_ queue: consuming Virtqueue)
    func stop()
    func work(_ session: VirtioSession)
    func end()
}
