import DeviceModel
import Synchronization

/// The size of the window that a virtio-console's output is shown in, and how the guest hears that it has changed. It belongs to one
/// machine.
///
/// Concurrency model: safe from any thread.
public final class ConsoleWindow: Sendable {
    private struct State {
        var size: ConsoleSize
        var observer: (@Sendable (ConsoleSize) -> Void)?
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - columns: of characters; 0 where that is not known.
    ///   - rows: the same.
    public init(columns: UInt16, rows: UInt16) {
        state = Mutex(State(size: ConsoleSize(columns: columns, rows: rows)))
    }

    var size: ConsoleSize { state.withLock { $0.size } }

    /// The window has another size now. The guest is told, if it has asked for sizes.
    public func resize(columns: UInt16, rows: UInt16) {
        let size = ConsoleSize(columns: columns, rows: rows)
        // Under the lock, so that of two changes the later one is told last.
        state.withLock { state in
            guard size != state.size else { return }
            state.size = size
            state.observer?(size)
        }
    }

    /// Calls `observer` with the size, and from now on with each new one; it must not ask for the size by itself.
    func observe(_ observer: @escaping @Sendable (ConsoleSize) -> Void) {
        state.withLock { state in
            state.observer = observer
            observer(state.size)
        }
    }
}
