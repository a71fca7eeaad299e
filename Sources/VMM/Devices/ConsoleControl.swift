import DeviceModel
import KVM
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
        var isSignalled = false
    }

    /// For each port whether the guest has it open.
    let gates: [ConsoleGate]
    private let event: EventFD
    private let state: Mutex<State>

    init(_ ports: VirtioConsolePorts) throws(HostError) {
        var gates: [ConsoleGate] = []
        for _ in ports.ports { gates.append(try ConsoleGate()) }
        self.gates = gates
        event = try EventFD()
        state = Mutex(State(ports: ports))
    }

    /// What poll(2) finds readable while there is a message for the driver.
    var messageEvent: Int32 { event.number }

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
        state.withLock { state in
            let result = body(&state)
            for (index, gate) in gates.enumerated() {
                gate.set(state.ports.ports[index].isGuestOpen || index == 0 && state.hasPortZeroAlone)
            }
            if state.ports.hasMessage != state.isSignalled {
                state.isSignalled = state.ports.hasMessage
                if state.isSignalled { event.signal() } else { _ = event.take() }
            }
            return result
        }
    }
}

/// Whether a port of a virtio-console is open in the guest: before that nothing is read for it. With poll(2)'s word for it.
final class ConsoleGate: Sendable {
    private let event: EventFD
    private let state = Atomic<Bool>(false)

    init() throws(HostError) {
        event = try EventFD()
    }

    var isOpen: Bool { state.load(ordering: .sequentiallyConsistent) }

    /// What poll(2) finds readable while it is open.
    var number: Int32 { event.number }

    /// One thread at a time.
    func set(_ isOpen: Bool) {
        guard isOpen != self.isOpen else { return }
        state.store(isOpen, ordering: .sequentiallyConsistent)
        if isOpen { event.signal() } else { _ = event.take() }
    }
}
