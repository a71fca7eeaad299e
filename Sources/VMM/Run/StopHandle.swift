import KVM
import Synchronization

/// Ends a machine's run from any thread.
public final class StopHandle: Sendable {
    private let requested = Atomic<Bool>(false)
    private let kicker: VCPUKicker

    init(_ kicker: VCPUKicker) {
        self.kicker = kicker
    }

    /// The run ends with ``StopReason/stopped``, within a millisecond or so; one that has not begun ends at once.
    public func stop() {
        requested.store(true, ordering: .sequentiallyConsistent)
        kicker.kick()
    }

    var isRequested: Bool { requested.load(ordering: .sequentiallyConsistent) }
}
