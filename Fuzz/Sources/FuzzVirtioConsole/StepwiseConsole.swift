import DeviceModel
import Synchronization

@testable import VMM

/// A virtio-console that works in the calls themselves instead of on threads.
final class StepwiseConsole: VirtioBackend {
    private struct State: ~Copyable {
        var receiver: ConsoleReceiver
        var transmitter: ConsoleTransmitter
        var session: VirtioSession?
        var receive: Virtqueue?
        var transmit: Virtqueue?
    }

    let deviceID: UInt32 = 3
    let features: VirtioFeatures = [.indirectDescriptors, .eventIndex]
    let queueSizes: [UInt16] = [4, 4]
    let configuration = VirtioConfiguration()
    private let channel: ConsoleChannel
    private let state: Mutex<State>

    init(memory: GuestMemory, output: ConsoleOutput, input: ConsoleInput) {
        let channel = ConsoleChannel(to: output)
        self.channel = channel
        state = Mutex(
            State(
                receiver: ConsoleReceiver(from: input, memory: memory),
                transmitter: ConsoleTransmitter(to: channel, memory: memory) {}))
    }

    var byteCount: UInt64 { channel.byteCount }

    func activate(_ session: VirtioSession) {
        state.withLock { $0.session = session }
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        var queue = Optional(queue)
        state.withLock { state in
            if index == 0 { state.receive = queue.take() } else { state.transmit = queue.take() }
        }
        notify(queue: index)
    }

    func stop(queue index: Int) {
        state.withLock { state in
            if index == 0 {
                state.receive = nil
                state.receiver.reset()
            } else {
                state.transmit = nil
                state.transmitter.reset()
            }
        }
    }

    func notify(queue index: Int) {
        state.withLock { state in
            guard let session = state.session else { return }
            if index == 0 {
                Self.work(&state.receiver, &state.receive, index, session)
            } else {
                Self.work(&state.transmitter, &state.transmit, index, session)
            }
        }
    }

    func reset() {
        state.withLock { $0.session = nil }
    }

    private static func work(
        _ task: inout some QueueTask, _ queue: inout Virtqueue?, _ index: Int, _ session: VirtioSession
    ) {
        guard var taken = queue.take() else { return }
        do throws(VirtqueueError) {
            _ = try task.work(on: &taken, session) { _ in false }
        } catch {
            session.fail(.virtqueue(queue: index, error))
        }
        queue = consume taken
    }
}
