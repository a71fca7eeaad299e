import DeviceModel
import Glibc
import KVM
import LinuxHost
import Synchronization

/// Where a machine's console reads: a file descriptor, or bytes in memory. Nothing is taken before a device has room for it,
/// so that what the guest leaves unread stays for the next program. The end of the input is not the end of the run.
///
/// Concurrency model: safe from any thread.
public final class ConsoleInput: ByteSource {
    private enum Origin {
        case descriptor(Int32)
        case memory
        /// What another thread appends, so many bytes at most.
        case queue(limit: Int)
    }

    private struct State {
        var bytes: ArraySlice<UInt8> = []
        var hasEnded = false
        /// Called when bytes were appended to a queue.
        var arrival: (@Sendable () -> Void)?
        /// When the descriptor had nothing last, in nanoseconds of the monotonic clock.
        var emptySince: Int64 = 0
        /// Whether one thread alone asks the descriptor, by ``ConsoleInput/fill(upTo:)``.
        var isFilled = false
    }

    /// A guest that polls asks far more often than a byte comes: after an empty answer the system is not asked again for so
    /// many nanoseconds.
    private static let restAfterEmpty: Int64 = 500_000
    /// In bytes, so that a read's buffer is on the stack.
    private static let largestRead = 1024

    private let origin: Origin
    private let state: Mutex<State>
    /// Signalled while bytes wait in a queue; nil for other input, or where the system gives none.
    private let waiting: EventFD?

    /// - Parameter descriptor: stays open as long as the machine runs; it is not closed.
    public init(descriptor: Int32) {
        origin = .descriptor(descriptor)
        state = Mutex(State())
        waiting = nil
    }

    public init(_ bytes: [UInt8]) {
        origin = .memory
        state = Mutex(State(bytes: bytes[...]))
        waiting = nil
    }

    /// Bytes that come with ``append(_:)`` while the machine runs, as from a terminal whose keys the program looks at first.
    ///
    /// - Parameter limit: how many bytes may wait for the guest.
    public init(queueOf limit: Int) {
        origin = .queue(limit: max(0, limit))
        state = Mutex(State())
        waiting = try? EventFD()
    }

    /// Adds bytes to a queue, as many as there is room for.
    ///
    /// - Returns: how many were taken; 0 for any other input than a queue.
    public func append(_ bytes: some Collection<UInt8>) -> Int {
        guard case .queue(let limit) = origin else { return 0 }
        let (taken, arrival) = state.withLock { state in
            let taken = min(bytes.count, limit - state.bytes.count)
            if state.bytes.isEmpty, taken > 0 { waiting?.signal() }
            state.bytes += bytes.prefix(taken)
            return (taken, state.arrival)
        }
        // Outside the lock: it leads to a device, which reads this input.
        arrival?()
        return taken
    }

    /// The descriptor that is read; nil for bytes in memory and for a queue.
    var descriptor: Int32? {
        if case .descriptor(let descriptor) = origin { descriptor } else { nil }
    }

    /// Whether no more bytes can come from the descriptor.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// What poll(2) finds readable when bytes may have come, where there is such a thing.
    var watchedDescriptor: Int32? {
        switch origin {
        case .descriptor(let descriptor): hasEnded ? nil : descriptor
        case .memory: nil
        case .queue:
            switch waiting {
            case .some(let event): event.number
            case nil: nil
            }
        }
    }

    /// Whether the next read gives a byte, or finds that the descriptor has ended.
    var isReady: Bool {
        guard case .descriptor(let descriptor) = origin, unreadCount == 0 else { return unreadCount > 0 }
        guard !hasEnded else { return false }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, the caller's own.
        guard unsafe poll(&request, 1, 0) > 0 else { return false }
        // The next read asks it, however recently it had nothing.
        state.withLock { $0.emptySince = 0 }
        return true
    }

    /// From now on the descriptor is asked by ``fill(upTo:)`` alone.
    func beginFilling() {
        state.withLock { $0.isFilled = true }
    }

    /// Takes bytes from the descriptor before they are read, without holding up a ``read(upTo:_:)`` meanwhile. For one thread, after
    /// ``beginFilling()``: another process may take what poll(2) has told of, and the next byte may be long in coming.
    ///
    /// - Parameter room: how many at most, 1 at least.
    func fill(upTo room: Int) {
        guard let descriptor, room > 0, !hasEnded else { return }
        var bytes = [UInt8](repeating: 0, count: min(room, Self.largestRead))
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        let count = InstantRead.read(descriptor, into: &raw)
        state.withLock { state in
            state.bytes += bytes.prefix(max(0, count))
            if Self.isEnd(count) { state.hasEnded = true }
        }
    }

    /// Has `arrival` called, by the thread that appends, whenever bytes were appended.
    func onArrival(_ arrival: (@Sendable () -> Void)?) {
        state.withLock { $0.arrival = arrival }
    }

    /// How many bytes in memory or in a queue the guest has not taken yet.
    public var unreadCount: Int { state.withLock { $0.bytes.count } }

    /// Whether the system has bytes of the descriptor that nobody has taken; false where it does not tell.
    var hasUnreadBytes: Bool {
        guard let descriptor else { return false }
        var count: Int32 = 0
        // SAFETY: FIONREAD stores one number, the caller's own.
        return unsafe ioctl(descriptor, UInt(FIONREAD), &count) == 0 && count > 0
    }

    public func read(upTo room: Int, _ receive: (UInt8) -> Void) {
        guard room > 0 else { return }
        state.withLock { state in
            switch origin {
            case .descriptor(let descriptor) where !state.isFilled:
                Self.read(&state, upTo: room, from: descriptor, receive)
            case .descriptor, .memory, .queue:
                for byte in state.bytes.prefix(room) { receive(byte) }
                if !state.bytes.isEmpty, state.bytes.count <= room { _ = waiting?.take() }
                state.bytes = state.bytes.dropFirst(room)
            }
        }
    }

    /// Takes what is ready now into guest memory, as far as there is room.
    ///
    /// - Returns: how many bytes.
    func read(into bytes: inout GuestBytes) -> Int {
        guard bytes.count > 0 else { return 0 }
        if case .descriptor(let descriptor) = origin {
            // Not under the lock: where the kernel cannot read without waiting, another process may have taken what came.
            let count = bytes.read(from: descriptor)
            if Self.isEnd(count) { state.withLock { $0.hasEnded = true } }
            bytes.removeFirst(max(0, count))
            return max(0, count)
        }
        return state.withLock { state in
            let count = bytes.fill(from: state.bytes)
            if count > 0, count == state.bytes.count { _ = waiting?.take() }
            state.bytes = state.bytes.dropFirst(count)
            bytes.removeFirst(count)
            return count
        }
    }

    private static func read(_ state: inout State, upTo room: Int, from descriptor: Int32, _ receive: (UInt8) -> Void) {
        guard !state.hasEnded else { return }
        let now = MonotonicClock.now
        guard now - state.emptySince >= restAfterEmpty else { return }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, the caller's own.
        guard unsafe poll(&request, 1, 0) > 0 else {
            state.emptySince = now
            return
        }
        // SAFETY: the system fills as many of the buffer's bytes as it returns, and only those are used.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: min(room, largestRead)) { buffer in
            var bytes = unsafe MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(buffer))
            let count = InstantRead.read(descriptor, into: &bytes)
            for index in 0..<max(0, count) { receive(unsafe buffer[index]) }
            if isEnd(count) { state.hasEnded = true }
        }
    }

    /// Whether a read that ended so was the last. A descriptor that fails, or was never open, gives no more than one that ended.
    private static func isEnd(_ count: Int) -> Bool {
        count == 0 || count < 0 && ![Int(-EINTR), Int(-EAGAIN)].contains(count)
    }
}
