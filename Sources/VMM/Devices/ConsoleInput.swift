import DeviceModel
import Glibc
import LinuxHost
import Synchronization
import SystemPackage

/// Where a machine's console reads: a file descriptor, or bytes in memory. Nothing is taken before a device has room for it,
/// so that what the guest leaves unread stays for the next program. The end of the input is not the end of the run. An input belongs to
/// one device of one machine.
///
/// Concurrency model: safe from any thread.
public final class ConsoleInput: ByteSource {
    private enum Origin {
        /// `survivesHangup` tells whether someone may come back who is gone.
        case descriptor(Int32, survivesHangup: Bool)
        case memory
        /// What another thread appends, so many bytes at most.
        case queue(limit: Int)
    }

    struct State {
        var bytes: ArraySlice<UInt8> = []
        var hasEnded = false
        /// Called when bytes were appended to a queue.
        var arrival: EventLoop.Work?
        /// Who waits for room in a queue.
        var senders = Senders()
        /// When the descriptor had nothing last, in nanoseconds of the monotonic clock.
        var emptySince: Int64 = 0
        /// Whether one thread alone asks the descriptor, by ``ConsoleInput/fill(upTo:)``.
        var isFilled = false
        /// Whether nobody has the other side open.
        var isAbsent = false
        /// Whether it is looked again soon.
        var isLookedAtSoon = false
    }

    private struct Attachment {
        let stream: Stream
        let watch: EventLoop.Watch
        let loop: EventLoop
        let wake: EventLoop.Work
    }

    /// A guest that polls asks far more often than a byte comes: after an empty answer the system is not asked again for so
    /// many nanoseconds.
    private static let restAfterEmpty: Int64 = 500_000
    /// How often it is looked whether someone has opened a pseudo-terminal, in nanoseconds: nothing tells it.
    private static let absenceInterval: Int64 = 100_000_000
    /// In bytes, so that a read's buffer is on the stack.
    private static let largestRead = 1024

    private let origin: Origin
    let machineClaim = MachineClaim()
    let state: Mutex<State>
    /// Signalled while bytes wait in a queue; nil for other input, or where the system gives none.
    private let waiting: EventFD?
    /// Where a device's loop reads.
    private let attachment = Mutex<Attachment?>(nil)

    /// - Parameters:
    ///   - descriptor: stays open as long as the machine runs; it is not closed.
    ///   - survivesHangup: for a pseudo-terminal's first side: whether there is more to come when someone opens the other side again.
    public init(descriptor: Int32, survivesHangup: Bool = false) {
        origin = .descriptor(descriptor, survivesHangup: survivesHangup)
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
        let (taken, arrival) = state.withLock { state in
            let taken = min(bytes.count, room(in: state))
            add(bytes.prefix(taken), &state)
            return (taken, state.arrival)
        }
        if taken > 0 { arrival?() }
        return taken
    }

    /// For how many more bytes there is room in a queue.
    func room(in state: State) -> Int {
        if case .queue(let limit) = origin { max(0, limit - state.bytes.count) } else { 0 }
    }

    func add(_ bytes: some Collection<UInt8>, _ state: inout State) {
        if state.bytes.isEmpty, !bytes.isEmpty { waiting?.signal() }
        state.bytes += bytes
    }

    private var descriptor: Int32? {
        if case .descriptor(let descriptor, _) = origin { descriptor } else { nil }
    }

    private var survivesHangup: Bool {
        if case .descriptor(_, let survives) = origin { survives } else { false }
    }

    /// Whether no more bytes can come from the descriptor.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// What poll(2) finds readable when bytes may have come, where there is such a thing; nil as long as nobody is at the other end.
    var watchedDescriptor: Int32? {
        switch origin {
        case .descriptor(let descriptor, _): hasEnded || isHungUp ? nil : descriptor
        case .memory: nil
        case .queue:
            switch waiting {
            case .some(let event): event.number
            case nil: nil
            }
        }
    }

    private var readiness: Int16 { descriptor.map { LinuxHost.readiness(of: $0, POLLIN) } ?? 0 }

    private var isHungUp: Bool { survivesHangup && readiness & Int16(POLLIN | POLLHUP) == Int16(POLLHUP) }

    /// Whether the next read gives a byte, or finds that the descriptor has ended.
    var isReady: Bool {
        guard descriptor != nil, unreadCount == 0 else { return unreadCount > 0 }
        let readiness = hasEnded ? 0 : readiness
        guard survivesHangup ? readiness & Int16(POLLIN) != 0 : readiness != 0 else { return false }
        // The next read asks it, however recently it had nothing.
        state.withLock { $0.emptySince = 0 }
        return true
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
        let notice = state.withLock { state -> SendNotice in
            switch origin {
            case .descriptor(let descriptor, _) where !state.isFilled:
                read(&state, upTo: room, from: descriptor, receive)
                return SendNotice()
            case .descriptor, .memory, .queue:
                for byte in state.bytes.prefix(room) { receive(byte) }
                return take(room, &state)
            }
        }
        notice.tell()
    }

    private func take(_ count: Int, _ state: inout State) -> SendNotice {
        if !state.bytes.isEmpty, state.bytes.count <= count { _ = waiting?.take() }
        state.bytes = state.bytes.dropFirst(count)
        return takeSent(&state)
    }

    private func read(_ state: inout State, upTo room: Int, from descriptor: Int32, _ receive: (UInt8) -> Void) {
        guard !state.hasEnded else { return }
        let now = MonotonicClock.now
        guard now - state.emptySince >= Self.restAfterEmpty else { return }
        guard readiness != 0 else {
            state.emptySince = now
            return
        }
        // SAFETY: the system fills as many of the buffer's bytes as it returns, and only those are used.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: min(room, Self.largestRead)) { buffer in
            var bytes = unsafe MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(buffer))
            let count = InstantRead.read(descriptor, into: &bytes)
            for index in 0..<max(0, count) { receive(unsafe buffer[index]) }
            note(count, &state)
            if count <= 0 { state.emptySince = now }
        }
    }

    /// What a read of the descriptor tells of its other end. One that fails, or was never open, gives no more than one that ended.
    private func note(_ count: Int, _ state: inout State) {
        state.isAbsent = survivesHangup && (count == 0 || count == Int(-EIO))
        let isEmpty = [Int(-EINTR), Int(-EAGAIN)].contains(count)
        if count <= 0, !isEmpty, !state.isAbsent { state.hasEnded = true }
    }

    // MARK: By a device's loop

    /// Has `wake` called on the loop when something may have come, after ``arm()``; for bytes that are appended, each time.
    ///
    /// - Parameter loops: gives the loop that a stream belongs on.
    func attach(
        _ loops: (Stream?) throws(HostError) -> EventLoop, wake: @escaping EventLoop.Work
    ) throws(HostError) {
        if case .queue = origin {
            // On the loop, too: a device that is paused takes nothing.
            let loop = try loops(nil)
            state.withLock { $0.arrival = { loop.post(.devices, wake) } }
        }
        guard let descriptor else { return }
        let stream = Stream(descriptor, for: .reading)
        let loop = try loops(stream)
        let watch = try loop.watch(input: stream.number, .devices, wake)
        attachment.withLock { $0 = Attachment(stream: stream, watch: watch, loop: loop, wake: wake) }
    }

    /// The loop that its stream belongs on.
    func loop(_ loops: (Stream?) throws(HostError) -> EventLoop) throws(HostError) -> EventLoop {
        guard let descriptor else { return try loops(nil) }
        return try loops(Stream(descriptor, for: .reading))
    }

    func detach() {
        state.withLock { $0.arrival = nil }
        if let old = attachment.withLock({ $0.take() }) { old.loop.unwatch(old.stream.number) }
    }

    /// Asks to be woken. Where nobody is at the other end, it is looked again soon.
    func arm() {
        guard let attachment = attachment.withLock({ $0 }), !hasEnded else { return }
        if state.withLock({ $0.isAbsent }) || isHungUp {
            // One timer, however often it is asked for.
            let isNew = state.withLock { state in
                defer { state.isLookedAtSoon = true }
                return !state.isLookedAtSoon
            }
            guard isNew else { return }
            attachment.loop.after(Self.absenceInterval, .devices) { [weak self] in
                self?.state.withLock { $0.isLookedAtSoon = false }
                attachment.wake()
            }
        } else {
            attachment.watch.arm()
        }
    }

    /// From now on the descriptor is asked by ``fill(upTo:)`` alone.
    func beginFilling() {
        state.withLock { $0.isFilled = true }
    }

    /// Takes bytes from the descriptor before they are read. For the loop, after ``beginFilling()``.
    ///
    /// - Parameter room: how many at most.
    func fill(upTo room: Int) {
        guard let stream = attachment.withLock({ $0?.stream }), room > 0, !hasEnded else { return }
        var bytes = [UInt8](repeating: 0, count: min(room, Self.largestRead))
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        let count = stream.read(into: &raw)
        state.withLock { state in
            state.bytes += bytes.prefix(max(0, count))
            note(count, &state)
        }
    }

    /// Takes what is ready now into guest memory, as far as there is room.
    ///
    /// - Returns: how many bytes.
    func read(into bytes: inout GuestBytes) -> Int {
        guard bytes.count > 0 else { return 0 }
        var count = 0
        if let stream = attachment.withLock({ $0?.stream }) {
            let result = bytes.read(from: stream)
            state.withLock { note(result, &$0) }
            count = max(0, result)
        } else {
            let notice = state.withLock { state in
                count = bytes.fill(from: state.bytes)
                return take(count, &state)
            }
            notice.tell()
        }
        bytes.removeFirst(count)
        return count
    }
}
