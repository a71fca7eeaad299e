import Glibc
import KVM
import LinuxHost
import Synchronization
import SystemPackage

/// Where all consoles of a machine write, in the guest's order: a buffer in front of a file descriptor, or of memory.
///
/// Concurrency model: any thread may write. Writing never fails, and waits for nobody; a thread that runs a vCPU calls
/// `flush(unless:)` soon after, and there waits for a slow reader, which slows the guest. One thread at a time flushes.
public final class ConsoleOutput: Sendable {
    private enum Target {
        case descriptor(Int32, discardsWhenHungUp: Bool)
        /// Of so many bytes at most.
        case memory(limit: Int)
        case nothing
    }

    /// How a flush ended.
    enum FlushResult: Equatable {
        /// Nothing waits any more, or another thread is at it.
        case done
        /// It was told to give up before everything was written.
        case gaveUp
        case failed(Errno)
    }

    /// How much is held back before the run loop writes it at once, in bytes.
    static let capacity = 64 << 10
    /// A pipe with room takes this much without blocking, so that no write of it can hang (PIPE_BUF, pipe(7)).
    private static let chunk = 4096
    /// How long one wait for a slow reader is, in milliseconds, before the reasons to give up are looked at again.
    private static let patience: Int32 = 50
    /// How long to wait for another thread that flushes, in microseconds: at first, and at most.
    private static let turns: (first: UInt32, longest: UInt32) = (500, 16_000)

    private let target: Target
    /// What the devices have written since the last flush began.
    private let buffer = Mutex<[UInt8]>([])
    /// What is being flushed; its lock is held for as long as that takes.
    private let outgoing = Mutex<[UInt8]>([])
    private let kept = Mutex<[UInt8]>([])
    private let pending = Atomic<Int>(0)

    /// - Parameters:
    ///   - descriptor: stays open as long as the machine runs; it is not closed.
    ///   - discardsWhenHungUp: for a pseudo-terminal's first side: whether what is written while nobody has the other side open
    ///     is lost, instead of an error that ends the run.
    public init(descriptor: Int32, discardsWhenHungUp: Bool = false) {
        target = .descriptor(descriptor, discardsWhenHungUp: discardsWhenHungUp)
        buffer.withLock { $0.reserveCapacity(Self.capacity) }
        outgoing.withLock { $0.reserveCapacity(Self.capacity) }
    }

    /// Keeps everything in memory, for ``collected``.
    ///
    /// - Parameter limit: in bytes: a guest must not make this process grow without end. What is more is like output to a
    ///   full disk, and ends the run with ``VMMError/output(_:)`` and ENOSPC.
    public init(collectingUpTo limit: Int = 16 << 20) {
        target = .memory(limit: max(0, limit))
    }

    private init(_ target: Target) {
        self.target = target
    }

    /// Takes everything and keeps nothing.
    public static func discarding() -> ConsoleOutput { ConsoleOutput(.nothing) }

    /// What was written and flushed, where the output is kept in memory.
    public var collected: [UInt8] { kept.withLock { $0 } }

    /// How many bytes wait to be flushed.
    var pendingCount: Int { pending.load(ordering: .relaxed) }

    /// Whether so much waits that it should be flushed before more comes.
    var isFull: Bool { pendingCount >= Self.capacity }

    /// Whether there is someone at the other end, as far as the system tells: of a file there always is.
    var isConnected: Bool {
        guard case .descriptor(let descriptor, _) = target else { return true }
        var request = pollfd(fd: descriptor, events: 0, revents: 0)
        // SAFETY: one structure, the caller's own.
        return unsafe poll(&request, 1, 0) <= 0
    }

    /// Whether the system takes a byte now, or tells at once why not.
    var hasRoom: Bool {
        guard case .descriptor(let descriptor, _) = target else { return true }
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // SAFETY: one structure, the caller's own.
        return unsafe poll(&request, 1, 0) != 0
    }

    func write(_ byte: UInt8) {
        buffer.withLock { $0.append(byte) }
        pending.add(1, ordering: .relaxed)
    }

    func write(_ bytes: RawSpan) {
        // SAFETY: the bytes are copied within the call.
        unsafe bytes.withUnsafeBytes { source in buffer.withLock { unsafe $0.append(contentsOf: source) } }
        pending.add(bytes.byteCount, ordering: .relaxed)
    }

    /// Writes out what is held back.
    ///
    /// - Parameters:
    ///   - waits: whether to wait where another thread is at it; when no more should be held back it waits in any case.
    ///   - shouldGiveUp: asked whenever the reader takes nothing for a while, with how long that is so far, in
    ///   nanoseconds.
    func flush(waits: Bool = false, unless shouldGiveUp: (_ idle: Int64) -> Bool) -> FlushResult {
        var start: Int64?
        var turn = Self.turns.first
        while pendingCount > 0 {
            if let result = outgoing.withLockIfAvailable({ flush(&$0, unless: shouldGiveUp) }) { return result }
            guard waits || isFull else { return .done }
            if !wait(&start, &turn, unless: shouldGiveUp) { return .gaveUp }
        }
        return .done
    }

    /// Writes guest memory out at once, behind all that was written before, and as it is then: where it goes to a descriptor, it is
    /// not copied.
    ///
    /// - Parameters:
    ///   - bytes: without those that were written or lost when this returns.
    ///   - lost: how many were lost because nobody has the other side open is added to it.
    ///   - shouldGiveUp: as for a flush. A thread that can be held up in a write needs a signal to be asked.
    func pass(
        _ bytes: inout GuestBytes, losing lost: inout UInt64, unless shouldGiveUp: (_ idle: Int64) -> Bool
    ) -> FlushResult {
        var start: Int64?
        var turn = Self.turns.first
        while true {
            let result = outgoing.withLockIfAvailable { held in
                let result = flush(&held, unless: shouldGiveUp)
                return result == .done ? passNow(&bytes, &lost, unless: shouldGiveUp) : result
            }
            if let result { return result }
            if !wait(&start, &turn, unless: shouldGiveUp) { return .gaveUp }
        }
    }

    /// Waits for another thread that flushes.
    ///
    /// - Returns: false to give up.
    private func wait(_ start: inout Int64?, _ turn: inout UInt32, unless shouldGiveUp: (Int64) -> Bool) -> Bool {
        let now = MonotonicClock.now
        if shouldGiveUp(now - (start ?? now)) { return false }
        start = start ?? now
        usleep(turn)
        turn = min(turn * 2, Self.turns.longest)
        return true
    }

    private func passNow(
        _ bytes: inout GuestBytes, _ lost: inout UInt64, unless shouldGiveUp: (Int64) -> Bool
    ) -> FlushResult {
        switch target {
        case .descriptor(let descriptor, let discardsWhenHungUp):
            return write(&bytes, &lost, to: descriptor, discardsWhenHungUp, unless: shouldGiveUp)
        case .memory(let limit):
            let written = kept.withLock { kept in
                let before = kept.count
                bytes.forEachPart(upTo: limit - before) { part in
                    // SAFETY: the bytes are copied within the call.
                    unsafe part.withUnsafeBytes { unsafe kept.append(contentsOf: $0) }
                }
                return kept.count - before
            }
            bytes.removeFirst(written)
            return bytes.count == 0 ? .done : .failed(Errno(rawValue: ENOSPC))
        case .nothing:
            bytes.removeAll()
            return .done
        }
    }

    /// What is left of the last flush, and then what waits now. What others write meanwhile is theirs to flush: the thread would
    /// write for them for ever.
    private func flush(_ bytes: inout [UInt8], unless shouldGiveUp: (Int64) -> Bool) -> FlushResult {
        for isLeft in [true, false] {
            if !isLeft { buffer.withLock { swap(&$0, &bytes) } }
            guard !bytes.isEmpty else { continue }
            let (result, written) = pass(bytes, unless: shouldGiveUp)
            bytes.removeSubrange(..<written)
            guard result == .done else { return result }
        }
        return .done
    }

    private func pass(_ bytes: [UInt8], unless shouldGiveUp: (Int64) -> Bool) -> (FlushResult, written: Int) {
        switch target {
        case .memory(let limit):
            let written = kept.withLock { kept in
                let written = min(bytes.count, limit - kept.count)
                kept += bytes.prefix(written)
                return written
            }
            pending.subtract(written, ordering: .relaxed)
            return (written == bytes.count ? .done : .failed(Errno(rawValue: ENOSPC)), written)
        case .nothing:
            pending.subtract(bytes.count, ordering: .relaxed)
            return (.done, bytes.count)
        case .descriptor(let descriptor, let discardsWhenHungUp):
            return write(bytes.span, to: descriptor, discardsWhenHungUp, unless: shouldGiveUp)
        }
    }

    private func write(
        _ bytes: Span<UInt8>, to descriptor: Int32, _ discardsWhenHungUp: Bool, unless shouldGiveUp: (Int64) -> Bool
    ) -> (FlushResult, written: Int) {
        var written = 0
        var lastProgress = MonotonicClock.now
        while written < bytes.count {
            let events = Self.waitUntilWritable(descriptor)
            if discardsWhenHungUp, events & Int16(POLLHUP) != 0 { return discard(bytes.count, after: written) }
            if events != 0 {
                let part = bytes.extracting(written..<min(bytes.count, written + Self.chunk))
                // SAFETY: the part's bytes live for the length of the call.
                let result = unsafe part.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if result >= 0 {
                    written += result
                    pending.subtract(result, ordering: .relaxed)
                    lastProgress = MonotonicClock.now
                    continue
                }
                let error = Errno.current
                if discardsWhenHungUp, error.rawValue == EIO { return discard(bytes.count, after: written) }
                guard error.rawValue == EINTR || error.rawValue == EAGAIN else { return (.failed(error), written) }
            }
            if shouldGiveUp(MonotonicClock.now - lastProgress) { return (.gaveUp, written) }
        }
        return (.done, written)
    }

    private func write(
        _ bytes: inout GuestBytes, _ lost: inout UInt64, to descriptor: Int32, _ discardsWhenHungUp: Bool,
        unless shouldGiveUp: (Int64) -> Bool
    ) -> FlushResult {
        var lastProgress = MonotonicClock.now
        while bytes.count > 0 {
            if discardsWhenHungUp, Self.waitUntilWritable(descriptor) & Int16(POLLHUP) != 0 {
                lost &+= bytes.count
                bytes.removeAll()
                return .done
            }
            let result = bytes.write(to: descriptor)
            bytes.removeFirst(max(0, result))
            if bytes.count == 0 { return .done }
            switch Int32(clamping: -result) {
            case ..<0: lastProgress = MonotonicClock.now
            case EINTR: break
            case 0, EAGAIN: _ = Self.waitUntilWritable(descriptor)
            case EIO where discardsWhenHungUp: break
            case let code: return .failed(Errno(rawValue: code))
            }
            if shouldGiveUp(MonotonicClock.now - lastProgress) { return .gaveUp }
        }
        return .done
    }

    private func discard(_ count: Int, after written: Int) -> (FlushResult, written: Int) {
        pending.subtract(count - written, ordering: .relaxed)
        return (.done, count)
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
