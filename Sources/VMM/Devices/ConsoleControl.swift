import DeviceModel
import LinuxHost
import Synchronization

/// What the queues of a virtio-console's ports and its control queues share: how far the driver has come with each port, and what it
/// is still to be told.
///
/// Concurrency model: safe from any thread. The lock is held for one message or one change.
final class ConsoleControl: Sendable {
    private struct State {
        var ports: VirtioConsolePorts
        /// A driver that knows of one port alone has that open, without a word.
        var hasPortZeroAlone = false
        /// Called when there is a message for the driver.
        var onMessage: EventLoop.Work?
        /// By port: called when the guest opens it.
        var onOpen: [Int: EventLoop.Work] = [:]

        func isOpen(_ port: Int) -> Bool {
            ports.ports.indices.contains(port) && ports.ports[port].isGuestOpen || port == 0 && hasPortZeroAlone
        }
    }

    private let state: Mutex<State>

    init(_ ports: VirtioConsolePorts) {
        state = Mutex(State(ports: ports))
    }

    /// Has `wake` called when there is a message for the driver.
    func onMessage(_ wake: @escaping EventLoop.Work) {
        state.withLock { $0.onMessage = wake }
    }

    /// Has `wake` called when the guest opens a port: before that nothing is read for it.
    func onOpen(port: Int, _ wake: @escaping EventLoop.Work) {
        state.withLock { $0.onOpen[port] = wake }
    }

    func isOpen(port: Int) -> Bool { state.withLock { $0.isOpen(port) } }

    var hasMessage: Bool { state.withLock { $0.ports.hasMessage } }

    /// All of it, for tests.
    var ports: VirtioConsolePorts { state.withLock { $0.ports } }

    /// A driver begins.
    ///
    /// - Parameter hasPorts: whether it knows of more than one port, and of control queues.
    func begin(hasPorts: Bool) {
        change { $0.hasPortZeroAlone = !hasPorts }
    }

    func reset() {
        change { state in
            state.ports.reset()
            state.hasPortZeroAlone = false
        }
    }

    /// The driver has sent a message; what is none changes nothing.
    func receive(_ bytes: [UInt8]) {
        guard let message = VirtioConsoleMessage(bytes) else { return }
        change { $0.ports.receive(message) }
    }

    /// The next message for the driver, if it fits.
    func takeMessage(upTo room: UInt64) -> [UInt8]? {
        change { $0.ports.takeMessage(upTo: room) }
    }

    func setHostOpen(_ isOpen: Bool, port index: Int) {
        change { $0.ports.setHostOpen(isOpen, port: index) }
    }

    func resize(to size: ConsoleSize) {
        change { $0.ports.resize(to: size) }
    }

    private func change<R: Sendable>(_ body: (inout State) -> R) -> R {
        let (result, calls) = state.withLock { state in
            let before = (isOpen: state.onOpen.keys.filter { state.isOpen($0) }, hasMessage: state.ports.hasMessage)
            let result = body(&state)
            var calls = state.onOpen.filter { state.isOpen($0.key) && !before.isOpen.contains($0.key) }.map(\.value)
            if state.ports.hasMessage, !before.hasMessage, let call = state.onMessage { calls.append(call) }
            return (result, calls)
        }
        for call in calls { call() }
        return result
    }
}
