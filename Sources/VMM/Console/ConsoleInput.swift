import DeviceModel
import Glibc
import Synchronization

/// Where a machine's console reads: a file descriptor, or bytes in memory. Nothing is taken before a device has room for it,
/// so that what the guest leaves unread stays for the next program. The end of the input is not the end of the run.
public final class ConsoleInput: ByteSource {
    private enum Origin {
        case descriptor(Int32)
        case memory
    }

    private struct State {
        var bytes: ArraySlice<UInt8> = []
        var hasEnded = false
        /// When the descriptor had nothing last, in nanoseconds of the monotonic clock.
        var emptySince: Int64 = 0
    }

    /// A guest that polls asks far more often than a byte comes: after an empty answer the system is not asked again for so
    /// many nanoseconds.
    private static let restAfterEmpty: Int64 = 500_000

    private let origin: Origin
    private let state: Mutex<State>

    /// - Parameter descriptor: stays open as long as the machine runs; it is not closed.
    public init(descriptor: Int32) {
        origin = .descriptor(descriptor)
        state = Mutex(State())
    }

    public init(_ bytes: [UInt8]) {
        origin = .memory
        state = Mutex(State(bytes: bytes[...]))
    }

    public func read(upTo room: Int, _ receive: (UInt8) -> Void) {
        let taken = state.withLock { state in
            if case .descriptor(let descriptor) = origin { Self.fill(&state, upTo: room, from: descriptor) }
            let taken = state.bytes.prefix(room)
            state.bytes = state.bytes.dropFirst(taken.count)
            return taken
        }
        for byte in taken { receive(byte) }
    }

    private static func fill(_ state: inout State, upTo room: Int, from descriptor: Int32) {
        guard !state.hasEnded, room > 0 else { return }
        let now = MonotonicClock.now
        guard now - state.emptySince >= restAfterEmpty else { return }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, the caller's own.
        guard unsafe poll(&request, 1, 0) > 0 else {
            state.emptySince = now
            return
        }
        var buffer = [UInt8](repeating: 0, count: room)
        // SAFETY: the buffer holds `room` bytes.
        let count = unsafe Glibc.read(descriptor, &buffer, room)
        if count > 0 {
            state.bytes = buffer.prefix(count)
        } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
            // A descriptor that fails, or was never open, gives no more than one that ended.
            state.hasEnded = true
        }
    }
}
