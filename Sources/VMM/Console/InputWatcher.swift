import DeviceModel
import KVM

/// Brings input to a serial port whose guest waits for an interrupt instead of looking.
///
/// Concurrency model: input from a descriptor has a thread, which sleeps while there is none, and while the port has no room.
/// Input from a queue is brought by the thread that appends it.
final class InputWatcher: Sendable {
    /// How many bytes are taken at once, which is what the port has room for.
    private static let portion = 16

    private let input: ConsoleInput
    private let port: SerialPort
    /// Signalled when there is room again.
    private let roomMade: EventDescriptor

    /// Brings what has come already.
    init(_ input: ConsoleInput, for port: SerialPort) throws(KVMError) {
        self.input = input
        self.port = port
        roomMade = try EventDescriptor()
        input.onArrival { [weak self] in _ = self?.pull() }
        _ = pull()
    }

    /// The thread, where the input needs one.
    func start() throws(KVMError) -> HelperThread? {
        guard input.descriptor != nil else { return nil }
        return try HelperThread { self.watch($0) }
    }

    /// Looks at no more bytes that are appended.
    func stop() {
        input.onArrival(nil)
    }

    /// - Returns: whether the port has room for more.
    private func pull() -> Bool {
        port.pullInput { [weak self] in self?.roomMade.signal() }
    }

    private func watch(_ waiter: HelperThread.Waiter) {
        var hasRoom = true
        while !input.hasEnded {
            switch waiter.wait(for: hasRoom ? input.descriptor : roomMade.number) {
            case .ended: return
            case .timeout: break
            case .ready where hasRoom:
                input.fill(upTo: Self.portion)
                hasRoom = pull()
            case .ready:
                _ = roomMade.take()
                hasRoom = pull()
            }
        }
    }
}
