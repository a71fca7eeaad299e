import CLinuxHost
import Glibc

/// A thread that works on what is handed to it: when a descriptor is ready (epoll(7)), when a time has come, or soon.
///
/// What it is handed belongs to one of two groups. The devices' can be paused; what controls the machine goes on. Of what is for light
/// work, each piece takes a millisecond at most and hands in the rest again; a loop that may wait is a worker.
///
/// Concurrency model: any thread may call anything. Handlers run on the loop's thread, one at a time.
public final class EventLoop: Sendable {
    public typealias Work = @Sendable () -> Void

    public enum Group: Int, Sendable { case devices, control }

    /// One direction of a descriptor. A handler that was called must be armed again, unless it repeats.
    public struct Watch: Sendable {
        fileprivate let loop: EventLoop
        fileprivate let descriptor: Int32
        fileprivate let event: UInt32

        /// Calls the handler when the descriptor is ready.
        public func arm() { loop.arm(descriptor, event) }
    }

    private struct Entry {
        let group: Group
        let repeats: Bool
        var onInput: Work?
        var onOutput: Work?
        /// What is waited for.
        var wanted: UInt32 = 0
        /// Whether epoll(7) knows no waiting for such a file.
        var isAlwaysReady = false
    }

    private struct Timer {
        /// In nanoseconds of the monotonic clock.
        let time: Int64
        let group: Group
        let work: Work
    }

    private struct State {
        var work: [[Work]] = [[], []]
        var timers: [Timer] = []
        var entries: [Int32: Entry] = [:]
        /// How many want the devices to be paused.
        var pauses = 0
        /// Whether a device's handler may be under way, and who is to be told when it has come back.
        var isBusy = false
        var onQuiet: [Work] = []
        /// Whether the thread looks for work only when it is woken.
        var isWaiting = false
        var isEnding = false
        var hasStarted = false
        /// Whether there is, or will be, a thread.
        var hasThread = false
        var hasEnded = false
        var thread: pthread_t?
    }

    private static let input = EPOLLIN.rawValue
    private static let output = EPOLLOUT.rawValue
    private static let once = EPOLLONESHOT.rawValue
    /// What stands for the devices' descriptors, and for the wake-up, among those of the control group.
    private static let devicesToken = UInt64.max
    private static let wakeToken = UInt64.max - 1

    private let state = Monitor(State())
    private let wake: EventFD
    /// Everything: the control group's descriptors, the wake-up and, unless they are paused, the devices'.
    private let all: OwnedDescriptor
    private let devices: OwnedDescriptor

    /// - Throws: where the system gives no descriptors.
    public init() throws(HostError) {
        wake = try EventFD()
        all = try Self.makeEpoll()
        devices = try Self.makeEpoll()
        try set(all, EPOLL_CTL_ADD, wake.number, Self.input, Self.wakeToken)
        try set(all, EPOLL_CTL_ADD, devices.number, Self.input, Self.devicesToken)
    }

    private static func makeEpoll() throws(HostError) -> OwnedDescriptor {
        let number = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard number >= 0 else { throw HostError("make an event loop", .current) }
        return OwnedDescriptor(number: number)
    }

    /// Starts the thread.
    ///
    /// - Parameter onStart: called on it at first.
    public func start(_ onStart: @escaping Work = {}) throws(HostError) {
        state.change { $0.hasThread = true }
        do {
            // It is never joined: one that hangs in the system is left to itself.
            _ = try SystemThread {
                self.state.change { $0.thread = pthread_self() }
                onStart()
                self.state.change { $0.hasStarted = true }
                self.run()
                self.letGo()
                self.state.change { $0.hasEnded = true }
            }
        } catch {
            state.change { $0.hasThread = false }
            throw error
        }
    }

    /// Waits until the thread runs.
    public func waitUntilStarted() {
        _ = state.wait { $0.hasStarted ? true : nil }
    }

    /// Ends the thread when the handler that is under way has come back.
    ///
    /// - Parameter patience: how long that is waited for, in nanoseconds.
    /// - Returns: whether it has ended; from then on nothing is called any more.
    @discardableResult
    public func end(patience: Int64) -> Bool {
        let hasThread = state.change { state in
            state.isEnding = true
            return state.hasThread
        }
        wake.signal()
        guard hasThread else {
            letGo()
            return true
        }
        return state.wait(until: MonotonicClock.after(patience)) { $0.hasEnded ? true : nil } ?? false
    }

    /// What was handed in may refer to the loop.
    private func letGo() {
        let all = state.change { state in
            defer { (state.work, state.timers, state.entries) = ([[], []], [], [:]) }
            return (state.work, state.timers, state.entries)
        }
        // It goes without the lock: what goes may call the loop.
        extendLifetime(all)
    }

    // MARK: What is handed in

    /// Calls `work` soon, after all that was handed in before.
    public func post(_ group: Group = .devices, _ work: @escaping Work) {
        let isWaiting = state.change { state in
            guard !state.isEnding else { return false }
            state.work[group.rawValue].append(work)
            return state.isWaiting
        }
        if isWaiting { wake.signal() }
    }

    /// Calls `work` once, `delay` nanoseconds from now or soon after.
    public func after(_ delay: Int64, _ group: Group = .devices, _ work: @escaping Work) {
        let isWaiting = state.change { state in
            guard !state.isEnding else { return false }
            state.timers.append(Timer(time: MonotonicClock.after(delay), group: group, work: work))
            return state.isWaiting
        }
        if isWaiting { wake.signal() }
    }

    /// Has `handler` called whenever the descriptor has input, and it must take it.
    public func watch(_ descriptor: Int32, _ group: Group = .devices, _ handler: @escaping Work) throws(HostError) {
        try add(descriptor, Entry(group: group, repeats: true, onInput: handler, wanted: Self.input))
    }

    /// Has `handler` called once when the descriptor has input, or is hung up, after the watch is armed.
    public func watch(
        input descriptor: Int32, _ group: Group = .devices, _ handler: @escaping Work
    ) throws(HostError) -> Watch {
        try add(descriptor, Entry(group: group, repeats: false, onInput: handler))
        return Watch(loop: self, descriptor: descriptor, event: Self.input)
    }

    /// The same for when it has room for output, or is hung up.
    public func watch(
        output descriptor: Int32, _ group: Group = .devices, _ handler: @escaping Work
    ) throws(HostError) -> Watch {
        try add(descriptor, Entry(group: group, repeats: false, onOutput: handler))
        return Watch(loop: self, descriptor: descriptor, event: Self.output)
    }

    /// Takes a descriptor out, before it is closed.
    public func unwatch(_ descriptor: Int32) {
        state.change { state in
            guard let entry = state.entries.removeValue(forKey: descriptor), !entry.isAlwaysReady else { return }
            _ = clinux_epoll_set(epoll(of: entry.group), EPOLL_CTL_DEL, descriptor, 0, 0)
        }
    }

    // MARK: Pausing

    /// From when this returns no device's handler is under way, nor will one be called, until ``resumeDevices()``. On the loop's own
    /// thread, from a handler of the control group, it returns at once.
    public func pauseDevices() {
        if !pauseDevices(orWhenQuiet: {}) { _ = state.wait { $0.isBusy && !$0.hasEnded ? nil : true } }
    }

    /// The same without a wait.
    ///
    /// - Parameter whenQuiet: called once on the loop's thread when the handler that is under way has come back, unless the devices were
    ///   resumed before.
    /// - Returns: whether none is under way, so that nothing will be called.
    public func pauseDevices(orWhenQuiet whenQuiet: @escaping Work) -> Bool {
        state.change { state in
            state.pauses += 1
            if state.pauses == 1 { _ = clinux_epoll_set(all.number, EPOLL_CTL_DEL, devices.number, 0, 0) }
            let isOwn = state.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? true
            guard state.isBusy, !isOwn, !state.hasEnded else { return true }
            state.onQuiet.append(whenQuiet)
            return false
        }
    }

    public func resumeDevices() {
        let old = state.change { state -> [Work] in
            state.pauses -= 1
            guard state.pauses == 0 else { return [] }
            _ = clinux_epoll_set(all.number, EPOLL_CTL_ADD, devices.number, Self.input, Self.devicesToken)
            defer { state.onQuiet = [] }
            return state.onQuiet
        }
        // It goes without the lock.
        extendLifetime(old)
        wake.signal()
    }

    private func noteQuiet() {
        let waiting = state.change { state in
            state.isBusy = false
            defer { state.onQuiet = [] }
            return state.onQuiet
        }
        for work in waiting { work() }
    }

    // MARK: The thread

    private func run() {
        while let (work, timeout) = nextWork() {
            var held: [Work] = []
            for (group, piece) in work where !perform(group, piece) { held.append(piece) }
            if !held.isEmpty { state.change { $0.work[Group.devices.rawValue].insert(contentsOf: held, at: 0) } }
            dispatch(from: all.number, milliseconds: timeout)
        }
    }

    /// - Returns: false where it has to wait, since the devices were paused meanwhile.
    private func perform(_ group: Group, _ work: Work) -> Bool {
        let isPaused: Bool? = state.change { state in
            guard !state.isEnding else { return nil }
            if group == .devices { state.isBusy = state.pauses == 0 }
            return group == .devices && state.pauses > 0
        }
        guard let isPaused else { return true }
        guard !isPaused else { return false }
        work()
        if group == .devices { noteQuiet() }
        return true
    }

    /// What is to be done now, the control group's first, and how long to wait for descriptors afterwards, in milliseconds.
    ///
    /// - Returns: nil at the end.
    private func nextWork() -> (work: [(Group, Work)], timeout: Int32)? {
        state.change { state in
            guard !state.isEnding else { return nil }
            let now = MonotonicClock.now
            let isPaused = state.pauses > 0
            var work: [[Work]] = [[], []]
            for group in [Group.control, .devices] where group == .control || !isPaused {
                swap(&work[group.rawValue], &state.work[group.rawValue])
            }
            let due = state.timers.filter { $0.time <= now && ($0.group == .control || !isPaused) }
                .sorted { $0.time < $1.time }
            if !due.isEmpty {
                state.timers.removeAll { $0.time <= now && ($0.group == .control || !isPaused) }
                for timer in due { work[timer.group.rawValue].append(timer.work) }
            }
            let isIdle = work.allSatisfy(\.isEmpty)
            state.isWaiting = isIdle
            let next = state.timers.filter { $0.group == .control || !isPaused }.map(\.time).min()
            let all = work[1].map { (Group.control, $0) } + work[0].map { (Group.devices, $0) }
            return (all, isIdle ? Self.milliseconds(until: next, from: now) : 0)
        }
    }

    /// Whole ones, and never less than what is left.
    private static func milliseconds(until time: Int64?, from now: Int64) -> Int32 {
        guard let time else { return -1 }
        return Int32(clamping: (max(0, time &- now) &+ 999_999) / 1_000_000)
    }

    private func dispatch(from epoll: Int32, milliseconds: Int32) {
        // SAFETY: as many structures as are told, and only those are read that the call has filled.
        unsafe withUnsafeTemporaryAllocation(of: clinux_ready.self, capacity: 32) { ready in
            let count = unsafe clinux_epoll_wait(epoll, ready.baseAddress, 32, milliseconds)
            for index in 0..<max(0, count) {
                let (token, events) = unsafe (ready[index].token, ready[index].events)
                switch token {
                case Self.wakeToken: _ = wake.take()
                case Self.devicesToken: dispatchDevices()
                default: call(Int32(truncatingIfNeeded: token), events)
                }
            }
        }
    }

    private func dispatchDevices() {
        let mayRun = state.change { state in
            guard state.pauses == 0, !state.isEnding else { return false }
            state.isBusy = true
            return true
        }
        guard mayRun else { return }
        dispatch(from: devices.number, milliseconds: 0)
        noteQuiet()
    }

    private func call(_ descriptor: Int32, _ events: UInt32) {
        let handlers: [Work] = state.change { state in
            guard var entry = state.entries[descriptor], !state.isEnding else { return [] }
            // One that is always ready was looked at before, and whoever pauses waits for it.
            if entry.group == .devices, state.pauses > 0, !entry.isAlwaysReady {
                if !entry.repeats { rearm(descriptor, entry) }
                return []
            }
            if entry.repeats { return [entry.onInput].compactMap(\.self) }
            // What has failed or was hung up is both: who reads or writes is told why.
            let isOver = events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
            let fired = isOver ? entry.wanted : entry.wanted & events
            entry.wanted &= ~fired
            state.entries[descriptor] = entry
            if entry.wanted != 0, !entry.isAlwaysReady { rearm(descriptor, entry) }
            return [fired & Self.input != 0 ? entry.onInput : nil, fired & Self.output != 0 ? entry.onOutput : nil]
                .compactMap(\.self)
        }
        for handler in handlers { handler() }
    }

    // MARK: Descriptors

    private func epoll(of group: Group) -> Int32 { group == .devices ? devices.number : all.number }

    private func set(
        _ epoll: borrowing OwnedDescriptor, _ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ token: UInt64
    ) throws(HostError) {
        try HostError.check(
            clinux_epoll_set(epoll.number, operation, descriptor, events, token), "watch a descriptor")
    }

    /// A second direction of a descriptor joins the first.
    private func add(_ descriptor: Int32, _ new: Entry) throws(HostError) {
        let result: Int = state.change { state in
            guard !state.isEnding else { return 0 }
            if var entry = state.entries[descriptor] {
                guard entry.group == new.group, !entry.repeats, !new.repeats else { return Int(-EEXIST) }
                entry.onInput = new.onInput ?? entry.onInput
                entry.onOutput = new.onOutput ?? entry.onOutput
                state.entries[descriptor] = entry
                return 0
            }
            var entry = new
            let events = new.repeats ? new.wanted : Self.once
            let result = clinux_epoll_set(
                epoll(of: new.group), EPOLL_CTL_ADD, descriptor, events, UInt64(UInt32(bitPattern: descriptor)))
            entry.isAlwaysReady = result == Int(-EPERM) && !new.repeats
            guard result >= 0 || entry.isAlwaysReady else { return result }
            state.entries[descriptor] = entry
            return 0
        }
        try HostError.check(result, "watch a descriptor")
    }

    private func arm(_ descriptor: Int32, _ event: UInt32) {
        let group = state.change { state -> Group? in
            guard var entry = state.entries[descriptor] else { return nil }
            let isNew = entry.wanted & event == 0
            entry.wanted |= event
            state.entries[descriptor] = entry
            if !entry.isAlwaysReady { rearm(descriptor, entry) }
            return entry.isAlwaysReady && isNew ? entry.group : nil
        }
        if let group { post(group) { self.call(descriptor, event) } }
    }

    private func rearm(_ descriptor: Int32, _ entry: Entry) {
        _ = clinux_epoll_set(
            epoll(of: entry.group), EPOLL_CTL_MOD, descriptor, entry.wanted | Self.once,
            UInt64(UInt32(bitPattern: descriptor)))
    }
}
