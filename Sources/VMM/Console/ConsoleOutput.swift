import Glibc
import KVM
import Synchronization

/// Where all consoles of a machine write, in the guest's order: a buffer in front of a file descriptor, or of memory.
///
/// Concurrency model: any thread may write. Writing never fails, and waits only for a flush that is under way; the thread
/// that runs the machine calls `flush(unless:)` soon after, and there waits for a slow reader, which slows the guest.
public final class ConsoleOutput: Sendable {
    private enum Target {
        case descriptor(Int32, discardsWhenHungUp: Bool)
        /// Of so many bytes at most.
        case memory(limit: Int)
        case nothing
    }

    private struct State {
        var buffer: [UInt8] = []
        var collected: [UInt8] = []
    }

    /// How a flush ended.
    enum FlushResult: Equatable {
        case done
        /// It was told to give up before everything was written.
        case gaveUp
        case failed(SystemError)
    }

    /// How much is held back before the run loop writes it at once, in bytes.
    static let capacity = 64 << 10
    /// A pipe with room takes this much without blocking, so that no write of it can hang (PIPE_BUF, pipe(7)).
    private static let chunk = 4096
    /// How long one wait for a slow reader is, in milliseconds, before the reasons to give up are looked at again.
    private static let patience: Int32 = 50

    private let target: Target
    private let state: Mutex<State>
    private let pending = Atomic<Int>(0)

    /// - Parameters:
    ///   - descriptor: stays open as long as the machine runs; it is not closed.
    ///   - discardsWhenHungUp: for a pseudo-terminal's first side: whether what is written while nobody has the other side open
    ///     is lost, instead of an error that ends the run.
    public init(descriptor: Int32, discardsWhenHungUp: Bool = false) {
        target = .descriptor(descriptor, discardsWhenHungUp: discardsWhenHungUp)
        state = Mutex(State(buffer: []))
        state.withLock { $0.buffer.reserveCapacity(Self.capacity) }
    }

    /// Keeps everything in memory, for ``collected``.
    ///
    /// - Parameter limit: in bytes: a guest must not make this process grow without end. What is more is like output to a
    ///   full disk, and ends the run with ``VMMError/output(_:)`` and ENOSPC.
    public init(collectingUpTo limit: Int = 16 << 20) {
        target = .memory(limit: max(0, limit))
        state = Mutex(State())
    }

    private init(_ target: Target) {
        self.target = target
        state = Mutex(State())
    }

    /// Takes everything and keeps nothing.
    public static func discarding() -> ConsoleOutput { ConsoleOutput(.nothing) }

    /// What was written and flushed, where the output is kept in memory.
    public var collected: [UInt8] { state.withLock { $0.collected } }

    /// How many bytes wait to be flushed.
    var pendingCount: Int { pending.load(ordering: .relaxed) }

    func write(_ byte: UInt8) {
        state.withLock {
            $0.buffer.append(byte)
            pending.store($0.buffer.count, ordering: .relaxed)
        }
    }

    /// Writes out what is held back.
    ///
    /// - Parameter shouldGiveUp: asked whenever the reader takes nothing for a while, with how long that is so far, in
    ///   nanoseconds.
    func flush(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> FlushResult {
        guard pendingCount > 0 else { return .done }
        switch target {
        case .memory(let limit):
            return state.withLock { state in
                let written = min(state.buffer.count, limit - state.collected.count)
                state.collected += state.buffer.prefix(written)
                state.buffer.removeSubrange(..<written)
                pending.store(state.buffer.count, ordering: .relaxed)
                return state.buffer.isEmpty ? .done : .failed(SystemError(code: ENOSPC))
            }
        case .nothing:
            state.withLock {
                $0.buffer.removeAll(keepingCapacity: true)
                pending.store(0, ordering: .relaxed)
            }
            return .done
        case .descriptor(let descriptor, let discardsWhenHungUp):
            return state.withLock { state in
                let (result, written) = Self.write(
                    state.buffer.span, to: descriptor, discardsWhenHungUp, unless: shouldGiveUp)
                state.buffer.removeSubrange(..<written)
                pending.store(state.buffer.count, ordering: .relaxed)
                return result
            }
        }
    }

    private static func write(
        _ bytes: Span<UInt8>, to descriptor: Int32, _ discardsWhenHungUp: Bool, unless shouldGiveUp: (Int64) -> Bool
    ) -> (FlushResult, written: Int) {
        var written = 0
        var lastProgress = MonotonicClock.now
        while written < bytes.count {
            let events = waitUntilWritable(descriptor)
            if discardsWhenHungUp, events & Int16(POLLHUP) != 0 { return (.done, bytes.count) }
            if events != 0 {
                let part = bytes.extracting(written..<min(bytes.count, written + chunk))
                // SAFETY: the part's bytes live for the length of the call.
                let result = unsafe part.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if result >= 0 {
                    written += result
                    lastProgress = MonotonicClock.now
                    continue
                }
                let error = SystemError.current
                if discardsWhenHungUp, error.code == EIO { return (.done, bytes.count) }
                guard error.code == EINTR || error.code == EAGAIN else { return (.failed(error), written) }
            }
            if shouldGiveUp(MonotonicClock.now - lastProgress) { return (.gaveUp, written) }
        }
        return (.done, written)
    }

    /// Waits a moment.
    ///
    /// - Returns: poll(2)'s word for it, 0 where nothing has come. A descriptor that has failed is ready too: the write says why.
    private static func waitUntilWritable(_ descriptor: Int32) -> Int16 {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // SAFETY: one structure, the caller's own.
        return unsafe poll(&request, 1, patience) > 0 ? request.revents : 0
    }
}
