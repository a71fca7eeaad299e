import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// Stops, pauses and resumes a machine, from any thread: also before it is made, and after its end. It belongs to one machine, as also one
/// is that could not be made.
///
/// Concurrency model: the vCPUs' threads stand still in `park` while the machine is paused. The last of them pauses the devices, and
/// whose handler is under way then tells when it has come back; so none of the machine's threads ever waits for a device. The loops are
/// paused and resumed under the lock, which none of them takes with its own.
public final class MachineControl: Sendable {
    private typealias Completion = @Sendable () -> Void

    private struct State {
        var kickers: [VCPUKicker] = []
        var loops: [EventLoop] = []
        /// How many vCPUs' threads run, and how many of them stand still.
        var running = 0
        var parked = 0
        /// How often the machine was paused and not resumed, and how many look at its memory.
        var pauses = 0
        var holds = 0
        /// How many loops' handlers have not come back since the devices were paused; nil where they are not.
        var busyLoops: Int?
        /// Which time they were paused.
        var round = 0
        /// What is to be called when the machine is paused.
        var completions: [Completion] = []
        var outcome: RunOutcome?
        /// Kept by the machine.
        weak var memory: GuestMemory?
        var feed = StateFeed()
        var hasBegun = false
        var powerButton: (@Sendable () -> Void)?

        var isPaused: Bool { pauses > 0 || holds > 0 }
        /// Whether the guest has ended, or never begins.
        var isOver: Bool { outcome != nil || feed.state.isOver }
    }

    private let machineClaim = MachineClaim()
    private let monitor = Monitor(State())
    private let isStopRequested = Atomic<Bool>(false)
    private let isOver = Atomic<Bool>(false)
    private let isPauseWanted = Atomic<Bool>(false)
    /// Readable while the machine is not paused; nil where the system gives none.
    private let resumed: EventFD?

    public init() {
        resumed = try? EventFD()
        resumed?.signal()
    }

    deinit {
        for follower in feed({ $0.takeAll() }) { follower.finish() }
    }

    // MARK: For whoever has the machine

    /// The run ends with ``StopReason/stopped``, within a millisecond or so. One that has not begun ends at once.
    public func stop() {
        isStopRequested.store(true, ordering: .sequentiallyConsistent)
        kickAll()
    }

    /// Presses the power button. What comes of it is the guest's to decide: an operating system that knows ACPI usually shuts down.
    ///
    /// - Returns: false where nothing can come of it: the machine is not made yet, or its guest has no ACPI tables, by which it would
    ///   know of the button, because the machine has no interrupt controllers.
    @discardableResult
    public func pressPowerButton() -> Bool {
        guard let press = monitor.change({ $0.powerButton }) else { return false }
        press()
        return true
    }

    /// Pauses the machine: when this returns, no vCPU is in the guest and no device works, until as many ``resume()`` as there were
    /// pauses, or the run has ended. A run that has not begun begins paused. The deadline goes on.
    ///
    /// A device that hangs holds this up until it comes back, or the run ends by ``stop()``, the deadline or a task's cancellation.
    ///
    /// Not to be called on the machine's own threads; ``pause(_:)`` is for those.
    public func pause() {
        let isPaused = Monitor(false)
        pause { isPaused.change { $0 = true } }
        _ = isPaused.wait { $0 ? true : nil }
    }

    /// Pauses the machine, and calls `completion` when it is paused, or has ended. Never waits.
    public func pause(_ completion: @escaping @Sendable () -> Void) {
        monitor.change { state in
            standStill(&state)
            state.pauses += 1
            state.completions.append(completion)
        }
        kickAll()
        completePause()
    }

    /// The same for a task, which is suspended until then.
    public func pause() async {
        await withCheckedContinuation { continuation in pause { continuation.resume() } }
    }

    /// The guest's RAM, for as long as the machine is there: to be read and written while the machine is paused, before its run, and
    /// after it as long as the ``FinishedMachine`` is kept.
    public var memory: MachineMemory { MachineMemory(of: self) }

    /// Takes one pause back.
    public func resume() {
        let completions = monitor.change { state -> [Completion] in
            guard state.pauses > 0 else { return [] }
            state.pauses -= 1
            return goOn(&state)
        }
        for completion in completions { completion() }
    }

    /// Before a reason for that is counted.
    private func standStill(_ state: inout State) {
        isPauseWanted.store(true, ordering: .sequentiallyConsistent)
        if !state.isPaused { _ = resumed?.take() }
    }

    /// After one reason to stand still has gone.
    ///
    /// - Returns: of those who still waited for the pause: they wait no more.
    private func goOn(_ state: inout State) -> [Completion] {
        guard !state.isPaused else { return [] }
        isPauseWanted.store(false, ordering: .sequentiallyConsistent)
        resumed?.signal()
        if state.busyLoops != nil { for loop in state.loops { loop.resumeDevices() } }
        state.busyLoops = nil
        if state.feed.state == .paused { state.feed.set(state.hasBegun ? .running : .ready) }
        defer { state.completions = [] }
        return state.completions
    }

    // MARK: For the machine

    /// What follows is of the feed of states; see ``states``.
    func feed<R>(_ body: (inout StateFeed) -> R) -> R { monitor.change { body(&$0.feed) } }

    /// Before the run.
    func add(_ kicker: VCPUKicker) {
        monitor.change { $0.kickers.append(kicker) }
    }

    func add(_ loops: [EventLoop]) {
        monitor.change { state in
            state.loops = loops
            if state.busyLoops != nil { pauseDevices(&state) }
        }
    }

    func connect(_ memory: GuestMemory) {
        monitor.change { $0.memory = memory }
    }

    /// Keeps the machine as it stands, and its end waiting, for whoever looks at its memory; ``letGo()`` takes that back.
    ///
    /// - Throws: where it runs, or is not there.
    func holdStill() throws(MemoryAccessError) -> GuestMemory {
        let (memory, isStill) = monitor.change { state -> (GuestMemory?, Bool) in
            guard state.feed.state != .running else { return (nil, false) }
            guard let memory = state.memory else { return (nil, true) }
            standStill(&state)
            state.holds += 1
            return (memory, true)
        }
        guard isStill else { throw .running }
        guard let memory else { throw .noMachine }
        return memory
    }

    func letGo() {
        let completions = monitor.change { state in
            state.holds -= 1
            return goOn(&state)
        }
        for completion in completions { completion() }
    }

    func connect(powerButton press: @escaping @Sendable () -> Void) {
        monitor.change { $0.powerButton = press }
    }

    var stopIsRequested: Bool { isStopRequested.load(ordering: .sequentiallyConsistent) }
    var pauseIsRequested: Bool { isPauseWanted.load(ordering: .sequentiallyConsistent) }

    /// Ends the run, unless it has ended before.
    func end(_ outcome: RunOutcome) {
        monitor.change { state in
            if state.outcome == nil { state.outcome = outcome }
        }
        isOver.store(true, ordering: .sequentiallyConsistent)
        kickAll()
    }

    /// Output cannot be written. That is what came of the run, also where the guest has ended meanwhile.
    func fail(_ error: VMMError) {
        monitor.change { state in
            if case .failed = state.outcome { return }
            state.outcome = .failed(error)
        }
        isOver.store(true, ordering: .sequentiallyConsistent)
        kickAll()
    }

    /// Whether a thread has ended the run.
    var hasEnded: Bool { isOver.load(ordering: .sequentiallyConsistent) }

    /// Nil before the end.
    var outcome: RunOutcome? { monitor.change { $0.outcome } }

    /// Has every vCPU's thread look around.
    func kickAll() {
        for kicker in monitor.change({ $0.kickers }) { kicker.kick() }
    }

    /// A vCPU's thread begins, and ends.
    func enter() {
        monitor.change { state in
            state.running += 1
            guard !state.hasBegun else { return }
            state.hasBegun = true
            if state.feed.state == .ready { state.feed.set(.running) }
        }
    }
    func leave() {
        monitor.change { $0.running -= 1 }
        completePause()
    }

    /// A vCPU's thread stands still while the machine is paused. It comes back as well when the thread was kicked.
    ///
    /// - Parameter shouldGiveUp: asked before each wait.
    func park(unless shouldGiveUp: () -> Bool) {
        guard pauseIsRequested else { return }
        monitor.change { $0.parked += 1 }
        completePause()
        while true {
            let givesUp = hasEnded || shouldGiveUp()
            // Whoever pauses again finds it standing still, or gone.
            let leaves = monitor.change { state in
                guard !state.isPaused || givesUp else { return false }
                state.parked -= 1
                return true
            }
            if leaves { return }
            let number =
                switch resumed {
                case .some(let event): event.number
                case nil: Int32(-1)
                }
            _ = InterruptibleWait.wait(for: number, nanoseconds: number < 0 ? 1_000_000 : -1)
        }
    }

    /// Where all vCPUs stand still, the devices are paused, and when none works those who wait for it are told. At the end they are told
    /// at once: a device may hang.
    private func completePause() {
        let completions = monitor.change { state -> [Completion] in
            guard !state.completions.isEmpty else { return [] }
            if !state.isOver {
                guard state.parked >= state.running else { return [] }
                if state.busyLoops == nil { pauseDevices(&state) }
                guard state.busyLoops == 0 else { return [] }
                state.feed.set(.paused)
            }
            defer { state.completions = [] }
            return state.completions
        }
        for completion in completions { completion() }
    }

    private func pauseDevices(_ state: inout State) {
        state.round += 1
        let round = state.round
        state.busyLoops = state.loops.count { loop in
            !loop.pauseDevices { [weak self] in self?.noteQuiet(in: round) }
        }
    }

    /// A loop's handler has come back.
    private func noteQuiet(in round: Int) {
        monitor.change { state in
            if state.round == round, let count = state.busyLoops { state.busyLoops = count - 1 }
        }
        completePause()
    }

    /// The guest has ended, and no vCPU runs any more: what devices have begun, they end, once nobody looks at the memory. The vCPUs'
    /// threads are kicked no more.
    func endPause() {
        monitor.change { $0.kickers = [] }
        let completions = monitor.wait { state -> [Completion]? in
            guard state.holds == 0 else { return nil }
            guard state.pauses > 0 else { return [] }
            state.pauses = 0
            return goOn(&state)
        }
        for completion in completions ?? [] { completion() }
    }

    /// The run is over with all that belongs to it, or there will be none: from now on nothing of the machine is kept.
    func noteEnd(_ end: MachineState) {
        let (followers, parts) = monitor.change { state in
            state.feed.set(end)
            defer { (state.kickers, state.loops, state.powerButton) = ([], [], nil) }
            return (state.feed.takeAll(), (state.kickers, state.loops, state.powerButton))
        }
        // They go without the lock.
        extendLifetime(parts)
        for follower in followers { follower.finish() }
        completePause()
    }
}

extension MachineControl: Claimable {
    var kind: String { "control" }
    func claim() -> Bool { machineClaim.take() }
}
