import DeviceModel
import KVM
import Synchronization

/// Brings input to a serial port whose guest waits for an interrupt instead of looking.
///
/// Concurrency model: input from a descriptor has a thread, which sleeps while there is none, and while the port has no room.
/// Input from a queue is brought by the thread that appends it.
final class InputWatcher: Sendable {
    private let input: ConsoleInput
    private let port: SerialPort
    /// Signalled when there is room again, and to stop.
    private let event: EventDescriptor
    private let isStopped = Atomic<Bool>(false)

    /// Brings what has come already.
    init(_ input: ConsoleInput, for port: SerialPort) throws(KVMError) {
        self.input = input
        self.port = port
        event = try EventDescriptor()
        input.onArrival { [weak self] in _ = self?.pull() }
        _ = pull()
    }

    /// The thread, where the input needs one.
    func start() throws(KVMError) -> SystemThread? {
        guard input.descriptor != nil else { return nil }
        return try SystemThread { self.watch() }
    }

    /// Ends the thread soon.
    func stop() {
        input.onArrival(nil)
        isStopped.store(true, ordering: .releasing)
        event.signal()
    }

    /// - Returns: whether the port has room for more.
    private func pull() -> Bool {
        port.pullInput { [weak self] in self?.event.signal() }
    }

    private func watch() {
        var hasRoom = true
        while !isStopped.load(ordering: .acquiring), !input.hasEnded {
            if event.wait(orUntilReadable: hasRoom ? input.descriptor : nil) {
                input.descriptorIsReady()
                hasRoom = pull()
            } else {
                _ = event.take()
                hasRoom = true
            }
        }
    }
}
