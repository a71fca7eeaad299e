import LinuxHost
import Synchronization

@testable import DeviceModel
@testable import VMM

/// An embedder's device of one queue, whose two threads are steps.
final class StepwiseDevice: VirtioBackend {
    /// Keeps all that it is asked.
    final class Keeper: CustomVirtioDevice {
        let kept = Mutex<[VirtioRequest]>([])

        func handle(_ request: VirtioRequest) {
            precondition(request.bytes.count <= StepwiseDevice.limit && request.queue == 0)
            kept.withLock { $0.append(request) }
        }

        func queueStopped(_ queue: Int) {
            let stale = kept.withLock { kept in
                defer { kept = [] }
                return kept
            }
            // The device may know less than there is, never more: what it is told after the stop is new.
            for request in stale { precondition(!request.complete(with: [1])) }
        }
    }

    private struct State: ~Copyable {
        var task: RequestTask
        var queue: Virtqueue?
        var session: VirtioSession?
    }

    static let limit = 600
    static let size: UInt16 = 8

    let deviceID: UInt32 = 0x8000
    let features: VirtioFeatures = [.indirectDescriptors, .eventIndex]
    let queueSizes = [StepwiseDevice.size]
    let configuration = VirtioConfiguration()
    let keeper = Keeper()
    let caller: DeviceCaller
    private let worker: EventLoop
    private let state: Mutex<State>

    init(memory: GuestMemory) {
        guard let host = try? MachineHost(memory: memory, output: ConsoleOutput()), let loop = try? EventLoop() else {
            preconditionFailure("no host")
        }
        worker = loop
        caller = DeviceCaller(keeper, on: loop, host)
        state = Mutex(State(task: RequestTask(for: caller, memory: memory, queue: 0, limit: Self.limit)))
    }

    func activate(_ session: VirtioSession) {
        state.withLock { $0.session = session }
        caller.driverIsReady([])
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        var queue = Optional(queue)
        state.withLock { $0.queue = queue.take() }
    }

    func stop(queue index: Int) {
        state.withLock { state in
            state.queue = nil
            state.task.reset()
        }
    }

    func notify(queue index: Int) {}

    func reset() {
        state.withLock { $0.session = nil }
        caller.driverIsGone()
    }

    /// The loop for light work has its turn.
    func work() {
        state.withLock { state in
            guard let session = state.session, var queue = state.queue.take() else { return }
            do throws(VirtqueueError) {
                _ = try state.task.work(on: &queue, session, unless: { false })
            } catch {
                session.fail(.virtqueue(queue: 0, error))
            }
            state.queue = consume queue
        }
    }

    func end() {
        state.withLock { state in
            state.queue = nil
            state.task.reset()
            state.task.end()
        }
        caller.end()
        worker.end(patience: 0)
    }
}
