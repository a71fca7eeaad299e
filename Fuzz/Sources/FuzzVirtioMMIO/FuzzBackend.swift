import DeviceModel
import Synchronization

/// A device that gives back what it is offered, in the calls themselves, and insists on the order of its life.
final class FuzzBackend: VirtioBackend {
    private struct State: ~Copyable {
        var isActive = false
        var session: VirtioSession?
        var first: Virtqueue?
        var third: Virtqueue?
        var configuration = VirtioConfiguration(bytes: Array(1...11))
    }

    let deviceID: UInt32 = 3
    let features: VirtioFeatures = [.indirectDescriptors, .eventIndex]
    let queueSizes: [UInt16] = [8, 0, 4]
    private let memory: GuestMemory
    private let state = Mutex(State())

    init(memory: GuestMemory) {
        self.memory = memory
    }

    var configuration: VirtioConfiguration { state.withLock { $0.configuration } }
    /// The session of the last activation, also after a reset.
    var session: VirtioSession? { state.withLock { $0.session } }
    var isActive: Bool { state.withLock { $0.isActive } }
    /// The queues that are at work.
    var started: [Int] { state.withLock { ($0.first != nil ? [0] : []) + ($0.third != nil ? [2] : []) } }

    func changeConfiguration() {
        state.withLock { state in
            _ = state.configuration.replace(with: state.configuration.bytes.map { $0 &+ 1 })
        }
    }

    func writeConfiguration(offset: Int, width: Int, value: UInt64) {
        precondition([1, 2, 4, 8].contains(width) && offset >= 0 && offset + width <= 11)
        precondition(width == 8 || value >> UInt64(width * 8) == 0)
    }

    func activate(_ session: VirtioSession) {
        state.withLock { state in
            precondition(!state.isActive && state.first == nil && state.third == nil)
            precondition(session.features.isSubset(of: features.union([.version1, .ringReset])))
            precondition(session.features.contains(.version1))
            state.isActive = true
            state.session = session
        }
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        precondition(queue.size <= (index == 0 ? 8 : 4))
        var queue = Optional(queue)
        state.withLock { state in
            precondition(state.isActive)
            if index == 0 {
                precondition(state.first == nil)
                state.first = queue.take()
            } else {
                precondition(index == 2 && state.third == nil)
                state.third = queue.take()
            }
        }
        notify(queue: index)
    }

    func stop(queue index: Int) {
        state.withLock { state in
            precondition(state.isActive && (index == 0 ? state.first != nil : index == 2 && state.third != nil))
            if index == 0 { state.first = nil } else { state.third = nil }
        }
    }

    func notify(queue index: Int) {
        state.withLock { state in
            precondition(state.isActive && [0, 2].contains(index))
            guard let session = state.session else { return }
            if index == 0 { Self.work(&state.first, index, session) } else { Self.work(&state.third, index, session) }
        }
    }

    func reset() {
        state.withLock { state in
            precondition(state.first == nil && state.third == nil)
            state.isActive = false
        }
    }

    private static func work(_ queue: inout Virtqueue?, _ index: Int, _ session: VirtioSession) {
        var chain = DescriptorChain()
        do throws(VirtqueueError) {
            // No more than there are entries: the driver cannot offer more meanwhile.
            for _ in 0..<8 where try queue?.nextChain(into: &chain) == true {
                try queue?.addUsed(chain, written: .max)
            }
            if try queue?.publish() == true { session.raiseUsedBufferInterrupt(queue: index) }
        } catch {
            session.fail(.virtqueue(queue: index, error))
        }
    }
}
