import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// Stops, pauses and resumes a machine, from any thread: also before it is made, and after its end.
///
/// Concurrency model: the vCPUs' threads stand still in `park` while the machine is paused; whoever pauses waits until all of them
/// do, and then until no device works. Whoever waits here holds no lock that they need.
public final class MachineControl: Sendable {
    /// Whether the devices are quiet.
    private enum Quiet { case no, soon, yes }

    private struct State {
        var kickers: [VCPUKicker] = []
        var loops: [EventLoop] = []
        /// How many vCPUs' threads run, and how many of them stand still.
        var running = 0
        var parked = 0
        /// How often the machine was paused and not resumed.
        var pauses = 0
        var devices = Quiet.no
        /// What is to be called when the machine is paused.
        var completions: [@Sendable () -> Void] = []
        var outcome: RunOutcome?
        /// Kept by the machine.
        weak var memory: GuestMemory?
        var feed = StateFeed()
        var hasBegun = false
        var powerButton: (@Sendable () -> Void)?
    }

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
    /// pauses. A run that has not begun begins paused. The deadline goes on.
    ///
    /// Not to be called on the machine's own threads; ``pause(_:)`` is for those.
    public func pause() {
        let isPaused = Monitor(false)
        pause { isPaused.change { $0 = true } }
        _ = isPaused.wait { $0 ? true : nil }
    }

    /// Pauses the machine, and calls `completion` when it is paused, or has ended. Never waits, but for devices where no vCPU runs.
    public func pause(_ completion: @escaping @Sendable () -> Void) {
        monitor.change { state in
            state.pauses += 1
            state.completions.append(completion)
            isPauseWanted.store(true, ordering: .sequentiallyConsistent)
            if state.pauses == 1 { _ = resumed?.take() }
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
        typealias Completions = [@Sendable () -> Void]
        let (loops, completions) = monitor.change { state -> ([EventLoop], Completions) in
            guard state.pauses > 0 else { return ([], []) }
            state.pauses -= 1
            guard state.pauses == 0 else { return ([], []) }
            isPauseWanted.store(false, ordering: .sequentiallyConsistent)
            resumed?.signal()
            // One that makes them quiet just now finds out itself.
            guard state.devices != .soon else { return ([], []) }
            defer { (state.devices, state.completions) = (.no, []) }
            if state.feed.state == .paused { state.feed.set(state.hasBegun ? .running : .ready) }
            return (state.devices == .yes ? state.loops : [], state.completions)
        }
        for loop in loops { loop.resumeDevices() }
        // Whoever still waited for the pause waits no more.
        for completion in completions { completion() }
    }

    // MARK: For the machine

    /// What follows is of the feed of states; see ``states``.
    func feed<R>(_ body: (inout StateFeed) -> R) -> R { monitor.change { body(&$0.feed) } }

    /// Before the run.
    func add(_ kicker: VCPUKicker) {
        monitor.change { $0.kickers.append(kicker) }
    }

    func add(_ loops: [EventLoop]) {
        let isQuiet = monitor.change { state in
            state.loops = loops
            return state.devices != .no
        }
        if isQuiet { for loop in loops { loop.pauseDevices() } }
    }

    func connect(_ memory: GuestMemory) {
        monitor.change { $0.memory = memory }
    }

    /// Keeps the machine from going on, for whoever looks at its memory; ``resume()`` takes that back.
    ///
    /// - Throws: where it runs, or is not there.
    func holdStill() throws(MemoryAccessError) -> GuestMemory {
        let (memory, isStill) = monitor.change { state -> (GuestMemory?, Bool) in
            let isStill = state.feed.state != .running
            if isStill {
                state.pauses += 1
                isPauseWanted.store(true, ordering: .sequentiallyConsistent)
                if state.pauses == 1 { _ = resumed?.take() }
            }
            return (state.memory, isStill)
        }
        guard isStill else { throw .running }
        guard let memory else {
            resume()
            throw .noMachine
        }
        return memory
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
                guard state.pauses == 0 || givesUp else { return false }
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

    /// Where all vCPUs stand still, the devices are made quiet, and then those who wait for it are told.
    private func completePause() {
        enum Step {
            case nothing
            case quiet([EventLoop])
            case tell([@Sendable () -> Void])
        }
        while true {
            let step: Step = monitor.change { state in
                guard !state.completions.isEmpty, state.parked >= state.running || state.outcome != nil else {
                    return .nothing
                }
                if state.pauses > 0, state.devices == .no {
                    state.devices = .soon
                    return .quiet(state.loops)
                }
                // Whoever makes them quiet comes by here afterwards.
                guard state.devices != .soon else { return .nothing }
                defer { state.completions.removeAll() }
                if state.pauses > 0, state.outcome == nil { state.feed.set(.paused) }
                return .tell(state.completions)
            }
            switch step {
            case .nothing: return
            case .quiet(let loops): makeQuiet(loops)
            case .tell(let completions): for completion in completions { completion() }
            }
        }
    }

    private func makeQuiet(_ loops: [EventLoop]) {
        for loop in loops { loop.pauseDevices() }
        let resumed = monitor.change { state -> [EventLoop] in
            state.devices = state.pauses > 0 ? .yes : .no
            return state.pauses > 0 ? [] : state.loops
        }
        for loop in resumed { loop.resumeDevices() }
    }

    /// The run is over, and no vCPU runs any more: what devices have begun, they end. Their threads are kicked no more.
    func endPause() {
        monitor.change { $0.kickers = [] }
        while monitor.change({ $0.pauses > 0 }) { resume() }
    }
}
