import KVM
import Synchronization

/// What the threads of a run share to end together: the first of them that has an outcome ends them all.
final class RunControl: Sendable {
    typealias Outcome = Result<StopReason, VMMError>

    private let kickers = Mutex<[VCPUKicker]>([])
    private let isStopRequested = Atomic<Bool>(false)
    private let isOver = Atomic<Bool>(false)
    private let first = Mutex<Outcome?>(nil)

    /// A vCPU that takes part; before the run.
    func add(_ kicker: VCPUKicker) {
        kickers.withLock { $0.append(kicker) }
    }

    /// Someone outside wants the end.
    func requestStop() {
        isStopRequested.store(true, ordering: .sequentiallyConsistent)
        kickAll()
    }

    var stopIsRequested: Bool { isStopRequested.load(ordering: .sequentiallyConsistent) }

    /// Ends the run, unless it has ended before.
    func end(_ outcome: Outcome) {
        first.withLock { first in
            if first == nil { first = outcome }
        }
        isOver.store(true, ordering: .sequentiallyConsistent)
        kickAll()
    }

    /// Whether a thread has ended the run.
    var hasEnded: Bool { isOver.load(ordering: .sequentiallyConsistent) }

    /// Nil before the end.
    var outcome: Outcome? { first.withLock { $0 } }

    /// Has every vCPU's thread look around.
    func kickAll() {
        for kicker in kickers.withLock({ $0 }) { kicker.kick() }
    }
}

/// Ends a machine's run from any thread.
public final class StopHandle: Sendable {
    private let control: RunControl

    init(_ control: RunControl) {
        self.control = control
    }

    /// The run ends with ``StopReason/stopped``: within a millisecond or so where its vCPUs run the guest, within some tens where
    /// one waits for a reader of its output. One that has not begun ends at once.
    public func stop() {
        control.requestStop()
    }
}
