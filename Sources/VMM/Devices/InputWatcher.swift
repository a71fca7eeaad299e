import DeviceModel
import KVM
import LinuxHost

/// Brings input to a serial port whose guest waits for an interrupt instead of looking.
///
/// Concurrency model: input from a descriptor has a thread, which sleeps while there is none, and while the port has no room.
/// Input from a queue is brought by the thread that appends it.
final class InputWatcher: Sendable {
    private let input: ConsoleInput
    private let port: SerialPort
    /// Signalled when there is room again.
    private let roomMade: EventFD

    /// Brings what has come already.
    init(_ input: ConsoleInput, for port: SerialPort) throws(HostError) {
        self.input = input
        self.port = port
        roomMade = try EventFD()
        input.onArrival { [weak self] in _ = self?.pull() }
        _ = pull()
    }

    /// The thread, where the input needs one.
    func start() throws(HostError) -> HelperThread? {
        guard input.descriptor != nil else { return nil }
        input.beginFilling()
        return try HelperThread { self.watch($0) }
    }

    /// Looks at no more bytes that are appended.
    func stop() {
        input.onArrival(nil)
    }

    /// - Returns: for how many bytes more the port has room.
    private func pull() -> Int {
        port.pullInput { [weak self] in self?.roomMade.signal() }
    }

    private func watch(_ waiter: HelperThread.Waiter) {
        var room = pull()
        while !input.hasEnded {
            switch waiter.wait(for: room > 0 ? input.descriptor : roomMade.number) {
            case .ended: return
            case .timeout: break
            case .ready where room > 0:
                input.fill(upTo: room)
                room = pull()
            case .ready:
                _ = roomMade.take()
                room = pull()
            }
        }
    }
}
