import LinuxHost
import Synchronization

/// What a guest has printed and its reader in this process has not taken yet, within a bound: where it is full, the guest is held up.
///
/// Concurrency model: any thread may call anything. Devices' threads never wait here, a vCPU's thread waits by a descriptor, and a
/// reader waits without a thread.
final class OutputBuffer: Sendable {
    private struct State {
        var bytes = ByteQueue()
        /// How often bytes were added.
        var arrivals: UInt64 = 0
        var readers = Suspended()
        /// A device that is to be told of room.
        var onRoom: EventLoop.Work?
        /// Whether a vCPU waits for room.
        var isHeldUp = false
        var hasEnded = false
        /// For tests.
        var largestCount = 0
    }

    /// How a read ended.
    enum ReadResult<T> {
        case value(T)
        /// The machine is over, and all was taken that could be.
        case ended
        case cancelled
    }

    /// Of the bytes that wait.
    struct Situation {
        /// Whether no more can come before some are taken.
        let isFull: Bool
        /// Whether no more come at all.
        let isLast: Bool
    }

    /// How many bytes may wait.
    let bound: Int
    let claim = MachineClaim()
    private let state = Mutex(State())
    /// Signalled when a vCPU waits for room and there is some; nil where the system gives none.
    private let roomEvent: EventFD?

    /// - Parameter bound: 1 at least.
    init(bound: Int) {
        self.bound = max(1, bound)
        roomEvent = try? EventFD()
    }

    /// How many bytes wait.
    var count: Int { state.withLock { $0.bytes.count } }

    /// The most that ever waited.
    var largestCount: Int { state.withLock { $0.largestCount } }

    // MARK: For the machine

    /// For how many more bytes there is room.
    var room: Int { max(0, bound - count) }

    /// Adds as many as there is room for, of which ``announce()`` tells.
    ///
    /// - Returns: how many.
    func append(_ bytes: RawSpan) -> Int {
        state.withLock { state in
            let part = bytes.extracting(first: max(0, bound - state.bytes.count))
            Self.add(part, &state)
            return part.byteCount
        }
    }

    /// Adds all, when the machine is over.
    func append(last bytes: RawSpan) {
        state.withLock { Self.add(bytes, &$0) }
    }

    private static func add(_ bytes: RawSpan, _ state: inout State) {
        guard bytes.byteCount > 0 else { return }
        state.bytes.append(bytes)
        state.arrivals &+= 1
        state.largestCount = max(state.largestCount, state.bytes.count)
    }

    /// Wakes who reads.
    func announce() {
        let readers = state.withLock { $0.readers.takeAll() }
        for reader in readers { reader.resume() }
    }

    /// No more comes.
    func end() {
        state.withLock { $0.hasEnded = true }
        announce()
    }

    /// Waits for a moment, or until there is room, or the thread is kicked.
    func waitForRoom(nanoseconds: Int64) {
        let mustWait = state.withLock { state in
            state.isHeldUp = state.bytes.count >= bound
            return state.isHeldUp
        }
        guard mustWait else { return }
        let number =
            switch roomEvent {
            case .some(let event): event.number
            case nil: Int32(-1)
            }
        _ = InterruptibleWait.wait(for: number, nanoseconds: nanoseconds)
        _ = roomEvent?.take()
    }

    /// Has `wake` called once when there is room, if only now.
    func whenRoom(_ wake: @escaping EventLoop.Work) {
        let isRoom = state.withLock { state in
            guard state.bytes.count >= bound else { return true }
            state.onRoom = wake
            return false
        }
        if isRoom { wake() }
    }

    // MARK: For the reader

    /// Waits until a rule has found something in the bytes that wait.
    ///
    /// - Parameters:
    ///   - fetch: called before the rule looks: adds what may be added.
    ///   - rule: takes what it finds; also where it finds nothing it must take some when they are full.
    nonisolated(nonsending) func read<T>(
        fetching fetch: () -> Void, _ rule: (inout ByteQueue, Situation) -> T?
    ) async -> ReadResult<T> {
        while true {
            fetch()
            let (value, arrivals, isOver) = look(rule)
            if let value { return .value(value) }
            if isOver { return .ended }
            if Task.isCancelled { return .cancelled }
            await wait(since: arrivals)
        }
    }

    /// Has who waits look again, though nothing was added.
    func lookAgain() {
        state.withLock { $0.arrivals &+= 1 }
        announce()
    }

    private func look<T>(_ rule: (inout ByteQueue, Situation) -> T?) -> (T?, arrivals: UInt64, isOver: Bool) {
        // Who waits for room is woken when half of it is there: each turn costs a change of threads.
        var (value, arrivals, isOver): (T?, UInt64, Bool) = (nil, 0, false)
        let notice = state.withLock { state in
            let situation = Situation(isFull: state.bytes.count >= bound, isLast: state.hasEnded)
            value = rule(&state.bytes, situation)
            (arrivals, isOver) = (state.arrivals, state.hasEnded)
            // A reader who is about to wait needs more, however little room there is.
            let limit = value == nil ? bound - 1 : bound / 2
            return state.bytes.count <= limit ? Self.takeNotice(&state) : (isHeldUp: false, onRoom: nil)
        }
        if notice.isHeldUp { roomEvent?.signal() }
        notice.onRoom?()
        return (value, arrivals, isOver)
    }

    /// Who is to be told of room.
    private static func takeNotice(_ state: inout State) -> (isHeldUp: Bool, onRoom: EventLoop.Work?) {
        defer { (state.isHeldUp, state.onRoom) = (false, nil) }
        return (state.isHeldUp, state.onRoom)
    }

    private nonisolated(nonsending) func wait(since arrivals: UInt64) async {
        let id = state.withLock { $0.readers.newID() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isNow = state.withLock { state in
                    // Under the lock: what comes after this look finds the reader.
                    guard state.arrivals == arrivals, !state.hasEnded, !Task.isCancelled else { return true }
                    state.readers.add(continuation, id)
                    return false
                }
                if isNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.readers.take(id) }?.resume()
        }
    }
}

/// Tasks that wait, by a number that each asks for before.
struct Suspended {
    private var tasks: [UInt64: CheckedContinuation<Void, Never>] = [:]
    private var nextID: UInt64 = 0

    mutating func newID() -> UInt64 {
        defer { nextID &+= 1 }
        return nextID
    }

    mutating func add(_ task: CheckedContinuation<Void, Never>, _ id: UInt64) { tasks[id] = task }

    mutating func take(_ id: UInt64) -> CheckedContinuation<Void, Never>? { tasks.removeValue(forKey: id) }

    mutating func takeAll() -> [CheckedContinuation<Void, Never>] {
        defer { tasks.removeAll(keepingCapacity: true) }
        return Array(tasks.values)
    }
}
