import DeviceModel
import LinuxHost
import Synchronization

/// What an embedder's virtio device is still to be told, in order. It has a bound whatever a driver does: requests that it takes back
/// before the device was told of them are as if they had never been.
struct PendingCalls<Request: Sendable>: Sendable {
    enum Call: Sendable {
        case ready(VirtioFeatures)
        case request(Request, queue: Int)
        case stopped(queue: Int)
    }

    /// New calls go to the end of one; they are taken from the end of the other, which has them the other way round.
    private var incoming: [Call] = []
    private var outgoing: [Call] = []
    /// Queues of which the device knows a request that the driver has not taken back.
    private var known: Set<Int> = []

    var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }
    var count: Int { incoming.count &+ outgoing.count }

    mutating func add(_ request: Request, queue: Int) { incoming.append(.request(request, queue: queue)) }

    mutating func driverIsReady(_ features: VirtioFeatures) { incoming.append(.ready(features)) }

    /// The driver has reset the device; each of its queues was stopped before.
    mutating func driverIsGone() {
        _ = removeAll { if case .ready = $0 { true } else { false } }
    }

    /// The driver has taken a queue back.
    ///
    /// - Returns: what the device will not be told of, to be let go.
    mutating func stop(queue: Int) -> [Call] {
        let removed = removeAll { if case .request(_, queue: queue) = $0 { true } else { false } }
        if known.remove(queue) != nil { incoming.append(.stopped(queue: queue)) }
        return removed
    }

    /// Takes what the device is to be told now.
    mutating func next() -> Call? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming.removeAll(keepingCapacity: true)
        }
        let call = outgoing.popLast()
        if case .request(_, let queue) = call { known.insert(queue) }
        return call
    }

    /// Whether a request of a queue waits.
    func hasRequest(queue: Int) -> Bool {
        func isOne(_ call: Call) -> Bool { if case .request(_, queue: queue) = call { true } else { false } }
        return incoming.contains(where: isOne) || outgoing.contains(where: isOne)
    }

    private mutating func removeAll(_ isMeant: (Call) -> Bool) -> [Call] {
        let removed = incoming.filter(isMeant) + outgoing.filter(isMeant)
        guard !removed.isEmpty else { return [] }
        incoming.removeAll(where: isMeant)
        outgoing.removeAll(where: isMeant)
        return removed
    }
}

extension PendingCalls.Call: Equatable where Request: Equatable {}

/// Tells an embedder's virtio device what its driver does, one call at a time, on a worker of its own: nobody of the machine's waits for
/// it but who pauses or ends the machine.
final class DeviceCaller: Sendable {
    private struct State {
        var calls = PendingCalls<VirtioRequest>()
        /// Whether the worker was handed a call, or is in one.
        var isPosted = false
        /// The queue of the request that is being told.
        var current: Int?
        var requestCount: UInt64 = 0
        var hasEnded = false
    }

    private let device: any CustomVirtioDevice
    private let worker: EventLoop
    private let host: MachineHost
    private let state = Mutex(State())

    init(_ device: any CustomVirtioDevice, on worker: EventLoop, _ host: MachineHost) {
        self.device = device
        self.worker = worker
        self.host = host
    }

    /// How many requests the device was told of.
    var requestCount: UInt64 { state.withLock { $0.requestCount } }

    /// How much waits to be told, for tests.
    var pendingCount: Int { state.withLock { $0.calls.count } }

    /// Whether a request of a queue waits to be told, or is being told.
    func isBusy(queue: Int) -> Bool {
        state.withLock { $0.current == queue || $0.calls.hasRequest(queue: queue) }
    }

    func add(_ request: VirtioRequest) { change { $0.add(request, queue: request.queue) } }
    func driverIsReady(_ features: VirtioFeatures) { change { $0.driverIsReady(features) } }
    func driverIsGone() { change { $0.driverIsGone() } }

    func stop(queue: Int) {
        // Let go without the lock, since that completes them.
        let removed = change { $0.stop(queue: queue) }
        extendLifetime(removed)
    }

    /// Nothing is called after it but what hangs.
    func end() {
        let calls = state.withLock { state in
            state.hasEnded = true
            defer { state.calls = PendingCalls() }
            return state.calls
        }
        extendLifetime(calls)
        device.machineEnded()
    }

    private func change<R: Sendable>(_ body: (inout PendingCalls<VirtioRequest>) -> R) -> R {
        let (result, mustPost) = state.withLock { state in
            let result = body(&state.calls)
            let mustPost = !state.calls.isEmpty && !state.isPosted && !state.hasEnded
            if mustPost { state.isPosted = true }
            return (result, mustPost)
        }
        if mustPost { post() }
        return result
    }

    private func post() {
        worker.post { [weak self] in self?.work() }
    }

    /// One call, so that who pauses waits for no more. For the worker, and for tests in its place.
    func work() {
        if let call = nextCall() { perform(call) }
        let hasMore = state.withLock { state in
            state.current = nil
            state.isPosted = !state.calls.isEmpty && !state.hasEnded
            return state.isPosted
        }
        if hasMore { post() }
        host.noteProgress()
    }

    private func nextCall() -> PendingCalls<VirtioRequest>.Call? {
        state.withLock { state in
            guard !state.hasEnded, let call = state.calls.next() else { return nil }
            if case .request(_, let queue) = call {
                state.current = queue
                state.requestCount &+= 1
            }
            return call
        }
    }

    private func perform(_ call: consuming PendingCalls<VirtioRequest>.Call) {
        switch call {
        case .ready(let features): device.driverIsReady(features: features)
        case .request(let request, _): device.handle(request)
        case .stopped(let queue): device.queueStopped(queue)
        }
    }
}
