import Glibc
import LinuxHost
import Synchronization
import SystemPackage

/// Where all consoles of a machine write, in the guest's order: a buffer in front of a file descriptor, of memory, or of
/// a ``GuestStream``.
///
/// Concurrency model: any thread may write. Writing never fails, and waits for nobody; a thread that runs a vCPU calls
/// `flush(unless:)` soon after, and there waits for a slow reader, which slows the guest. A device's thread passes guest memory on and
/// never waits: it is called again. One of them at a time has the descriptor, from a first byte to a last that belong together.
public final class ConsoleOutput: Sendable {
    enum Target {
        case descriptor(Int32, discardsWhenHungUp: Bool)
        /// Of so many bytes at most; the closure is called when there are more.
        case memory(limit: Int, onOutput: (@Sendable () -> Void)?)
        /// For one reader of this process, who holds the guest up.
        case buffer(OutputBuffer)
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

    /// What became of guest memory that was passed on.
    enum PassResult: Equatable {
        case done
        /// The rest is to be passed when the caller is woken.
        case waits
        /// The rest is to be passed when others had their turn.
        case again
        case failed(Errno)
    }

    struct State {
        /// What the devices have written since the last flush began.
        var bytes: [UInt8] = []
        /// Whether someone has the descriptor.
        var isTaken = false
        /// Who is to be woken when it is free, once each.
        var waiting: [ObjectIdentifier: EventLoop.Work] = [:]
        var sleepers = 0
        /// Who is to be woken when there is room: whoever has the descriptor.
        var onRoom: EventLoop.Work?
        var kept: [UInt8] = []
    }

    /// How much is held back before the run loop writes it at once, in bytes.
    static let capacity = 64 << 10
    /// A pipe with room takes this much without blocking, so that no write of it can hang (PIPE_BUF, pipe(7)).
    private static let chunk = 4096
    /// How long one wait is, in nanoseconds, before the reasons to give up are looked at again, whether or not anything tells of them.
    private static let patience: Int64 = 50_000_000

    let target: Target
    let state = Mutex(State())
    /// What is being flushed; for whoever has the descriptor.
    let outgoing = Mutex<[UInt8]>([])
    let pending = Atomic<Int>(0)
    /// Signalled when the descriptor is free and someone sleeps until then; made when the first one does.
    private let free = Mutex<EventFD?>(nil)
    /// Where devices' threads write, and how they hear of room; nil before ``attach(_:)``.
    let stream = Mutex<(stream: Stream, watch: EventLoop.Watch, loop: EventLoop)?>(nil)

    /// - Parameters:
    ///   - descriptor: stays open as long as the machine runs; it is not closed.
    ///   - discardsWhenHungUp: for a pseudo-terminal's first side: whether what is written while nobody has the other side open
    ///     is lost, instead of an error that ends the run.
    public init(descriptor: Int32, discardsWhenHungUp: Bool = false) {
        target = .descriptor(descriptor, discardsWhenHungUp: discardsWhenHungUp)
        state.withLock { $0.bytes.reserveCapacity(Self.capacity) }
        outgoing.withLock { $0.reserveCapacity(Self.capacity) }
    }

    /// Keeps everything in memory, for ``collected``.
    ///
    /// - Parameters:
    ///   - limit: in bytes: a guest must not make this process grow without end. What is more is like output to a
    ///     full disk, and ends the run with ``VMMError/output(_:)`` and ENOSPC.
    ///   - onOutput: called when ``collected`` has grown, on a thread of the machine, which it must not keep waiting.
    public init(collectingUpTo limit: Int = 16 << 20, onOutput: (@Sendable () -> Void)? = nil) {
        target = .memory(limit: max(0, limit), onOutput: onOutput)
    }

    init(_ target: Target) {
        self.target = target
    }

    /// Takes everything and keeps nothing.
    public static func discarding() -> ConsoleOutput { ConsoleOutput(.nothing) }

    /// What was written and flushed, where the output is kept in memory.
    public var collected: [UInt8] { state.withLock { $0.kept } }

    /// How many bytes wait to be flushed.
    var pendingCount: Int { pending.load(ordering: .relaxed) }

    /// Whether so much waits that it should be flushed before more comes.
    var isFull: Bool {
        let count = pendingCount
        if case .buffer(let buffer) = target { return count >= min(Self.capacity, buffer.bound) }
        return count >= Self.capacity
    }

    /// Whether a part of this program waits for output, which then is not held back for long.
    var isListenedTo: Bool {
        switch target {
        case .descriptor, .nothing: false
        case .memory(_, let onOutput): onOutput != nil
        case .buffer: true
        }
    }

    /// Whether there is someone at the other end, as far as the system tells: of a file there always is.
    var isConnected: Bool {
        guard case .descriptor(let descriptor, _) = target else { return true }
        return readiness(of: descriptor, 0) == 0
    }

    func write(_ byte: UInt8) {
        state.withLock { $0.bytes.append(byte) }
        pending.add(1, ordering: .relaxed)
    }

    func write(_ bytes: RawSpan) {
        // SAFETY: the bytes are copied within the call.
        unsafe bytes.withUnsafeBytes { source in state.withLock { unsafe $0.bytes.append(contentsOf: source) } }
        pending.add(bytes.byteCount, ordering: .relaxed)
    }

    // MARK: Who has the descriptor

    /// - Parameter wake: called, once, when it is free, if it is not now.
    func take(for caller: ObjectIdentifier? = nil, orWake wake: EventLoop.Work? = nil) -> Bool {
        state.withLock { state in
            guard state.isTaken else {
                state.isTaken = true
                return true
            }
            if let caller { state.waiting[caller] = wake }
            return false
        }
    }

    /// Whoever has it gives it up.
    func release() {
        let (waiting, sleepers) = state.withLock { state in
            state.isTaken = false
            state.onRoom = nil
            defer { state.waiting.removeAll() }
            return (Array(state.waiting.values), state.sleepers)
        }
        if sleepers > 0 { free.withLock { $0?.signal() } }
        for wake in waiting { wake() }
    }

    /// Waits for another one that has it.
    ///
    /// - Returns: false to give up.
    private func waitUntilFree(_ start: inout Int64?, unless shouldGiveUp: (Int64) -> Bool) -> Bool {
        let now = MonotonicClock.now
        if shouldGiveUp(now - (start ?? now)) { return false }
        start = start ?? now
        let event = free.withLock { free in
            if free == nil { free = try? EventFD() }
            return switch free {
            case .some(let event): event.number
            case nil: Int32(-1)
            }
        }
        state.withLock { $0.sleepers += 1 }
        // Without an eventfd it is looked again soon.
        if state.withLock({ $0.isTaken }) { _ = InterruptibleWait.wait(for: event, nanoseconds: Self.patience) }
        state.withLock { $0.sleepers -= 1 }
        free.withLock { _ = $0?.take() }
        return true
    }

    // MARK: By a vCPU's thread

    /// Writes out what is held back.
    ///
    /// - Parameters:
    ///   - waits: whether to wait where another thread is at it; when no more should be held back it waits in any case.
    ///   - shouldGiveUp: asked whenever the reader takes nothing for a while, or the thread was kicked, with how long that is so far,
    ///     in nanoseconds.
    func flush(waits: Bool = false, unless shouldGiveUp: (_ idle: Int64) -> Bool) -> FlushResult {
        var start: Int64?
        while pendingCount > 0 {
            if take() {
                defer { release() }
                return outgoing.withLock { flush(&$0, unless: shouldGiveUp) }
            }
            guard waits || isFull else { return .done }
            if !waitUntilFree(&start, unless: shouldGiveUp) { return .gaveUp }
        }
        return .done
    }

    /// What is left of the last flush, and then what waits now. What others write meanwhile is theirs to flush: the thread would
    /// write for them for ever.
    func flush(_ bytes: inout [UInt8], unless shouldGiveUp: (Int64) -> Bool) -> FlushResult {
        for isLeft in [true, false] {
            if !isLeft { state.withLock { swap(&$0.bytes, &bytes) } }
            guard !bytes.isEmpty else { continue }
            let (result, written) = pass(bytes, unless: shouldGiveUp)
            bytes.removeSubrange(..<written)
            guard result == .done else { return result }
        }
        return .done
    }

    private func pass(_ bytes: [UInt8], unless shouldGiveUp: (Int64) -> Bool) -> (FlushResult, written: Int) {
        switch target {
        case .memory(let limit, let onOutput):
            // SAFETY: raw bytes of a byte span are its elements.
            let written = unsafe keep(bytes.span.bytes, limit)
            if written > 0 { onOutput?() }
            pending.subtract(written, ordering: .relaxed)
            return (written == bytes.count ? .done : .failed(.noSpace), written)
        case .nothing:
            pending.subtract(bytes.count, ordering: .relaxed)
            return (.done, bytes.count)
        case .buffer(let buffer): return write(bytes.span, to: buffer, unless: shouldGiveUp)
        case .descriptor(let descriptor, let discardsWhenHungUp):
            return write(bytes.span, to: descriptor, discardsWhenHungUp, unless: shouldGiveUp)
        }
    }

    /// - Returns: how many bytes there was room for.
    func keep(_ bytes: RawSpan, _ limit: Int) -> Int {
        state.withLock { state in
            let part = bytes.extracting(first: limit - state.kept.count)
            // SAFETY: the bytes are copied within the call.
            unsafe part.withUnsafeBytes { unsafe state.kept.append(contentsOf: $0) }
            return part.byteCount
        }
    }

    private func write(
        _ bytes: Span<UInt8>, to buffer: OutputBuffer, unless shouldGiveUp: (Int64) -> Bool
    ) -> (FlushResult, written: Int) {
        var written = 0
        var lastProgress = MonotonicClock.now
        while true {
            // SAFETY: raw bytes of a byte span are its elements.
            let count = unsafe buffer.append(bytes.extracting(droppingFirst: written).bytes)
            if count > 0 {
                buffer.announce()
                written += count
                pending.subtract(count, ordering: .relaxed)
                lastProgress = MonotonicClock.now
            }
            if written == bytes.count { return (.done, written) }
            // Before any wait: the reader itself comes here too, on a thread that must not wait.
            if shouldGiveUp(MonotonicClock.now - lastProgress) { return (.gaveUp, written) }
            buffer.waitForRoom(nanoseconds: Self.patience)
        }
    }

    private func write(
        _ bytes: Span<UInt8>, to descriptor: Int32, _ discardsWhenHungUp: Bool, unless shouldGiveUp: (Int64) -> Bool
    ) -> (FlushResult, written: Int) {
        var written = 0
        var lastProgress = MonotonicClock.now
        while written < bytes.count {
            var events = readiness(of: descriptor, POLLOUT)
            if events == 0,
                case .ready(let now, _) = InterruptibleWait.wait(for: descriptor, POLLOUT, nanoseconds: Self.patience)
            {
                events = now
            }
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
                if discardsWhenHungUp, error == .ioError { return discard(bytes.count, after: written) }
                guard error == .interrupted || error == .wouldBlock else { return (.failed(error), written) }
            }
            if shouldGiveUp(MonotonicClock.now - lastProgress) { return (.gaveUp, written) }
        }
        return (.done, written)
    }

    private func discard(_ count: Int, after written: Int) -> (FlushResult, written: Int) {
        pending.subtract(count - written, ordering: .relaxed)
        return (.done, count)
    }

    // MARK: By the reader of a buffer

    /// What is held back goes to the buffer, as far as there is room, without a wait.
    func fetch() { _ = flush { _ in true } }
}

extension ConsoleOutput: ConsoleEnd {
    var kind: String { "stream" }

    /// Others may go from machine to machine.
    func claim() -> Bool { if case .buffer(let buffer) = target { buffer.claim.take() } else { true } }

    /// What was held back goes to the buffer, room or not: it is no more than devices hold back, and nothing is lost.
    func machineEnded() {
        guard case .buffer(let buffer) = target else { return }
        if take() {
            defer { release() }
            outgoing.withLock { held in
                state.withLock { state in
                    held += state.bytes
                    state.bytes = []
                }
                // SAFETY: raw bytes of a byte span are its elements.
                unsafe buffer.append(last: held.span.bytes)
                pending.subtract(held.count, ordering: .relaxed)
                held = []
            }
        }
        buffer.end()
    }
}
