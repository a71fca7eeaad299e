import DeviceModel
import Glibc
import Synchronization

/// A device with a thread of its own, as a console has one: it gives back every chain of its queue, having filled what it may write,
/// and interrupts while it holds its own lock.
final class WorkerBackend: VirtioBackend {
    private struct State: ~Copyable {
        var session: VirtioSession?
        var queue: Virtqueue?
        var error: VirtqueueError?
        var isNotified = false
        var isEnding = false
        var completed = 0
    }

    let deviceID: UInt32 = 3
    let features: VirtioFeatures = []
    let queueSizes: [UInt16] = [8]
    let configuration = VirtioConfiguration()
    private let memory: GuestMemory
    private let state = Mutex(State())

    init(memory: GuestMemory) {
        self.memory = memory
    }

    var completed: Int { state.withLock { $0.completed } }
    var error: VirtqueueError? { state.withLock { $0.error } }

    func activate(_ session: VirtioSession) { state.withLock { $0.session = session } }

    func start(_ queue: consuming Virtqueue, index: Int) {
        var queue = Optional(queue)
        state.withLock { state in
            state.queue = queue.take()
            state.isNotified = true
        }
    }

    // The lock is held for all of the thread's work with the queue, so to have it means that the thread has let go.
    func stop(queue index: Int) { state.withLock { $0.queue = nil } }
    func notify(queue index: Int) { state.withLock { $0.isNotified = true } }
    func reset() { state.withLock { $0.session = nil } }
    func end() { state.withLock { $0.isEnding = true } }

    /// The thread.
    func run() {
        var chain = DescriptorChain()
        while true {
            let isEnding = state.withLock { state in
                if state.isNotified {
                    state.isNotified = false
                    Self.work(&state, &chain, memory)
                }
                return state.isEnding
            }
            if isEnding { return }
            sched_yield()
        }
    }

    private static func work(_ state: inout State, _ chain: inout DescriptorChain, _ memory: GuestMemory) {
        guard state.queue != nil, let session = state.session else { return }
        do throws(VirtqueueError) {
            while try state.queue?.nextChain(into: &chain) == true {
                for segment in chain.writable {
                    let bytes = [UInt8](repeating: 0xDD, count: Int(segment.count))
                    try? memory.write(bytes.span, at: segment.address)
                }
                try state.queue?.addUsed(chain, written: 64)
                state.completed += 1
                if try state.queue?.publish() == true { session.raiseUsedBufferInterrupt(queue: 0) }
            }
        } catch {
            state.error = error
            session.fail(.virtqueue(queue: 0, error))
        }
    }
}
