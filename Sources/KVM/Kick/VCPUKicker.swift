import CKVM
import Synchronization

/// Ends a vCPU's run from any thread, at any time, before the first run or after the last one too. A kick says nothing
/// about why: set what you ask for, then kick; the vCPU's thread looks at it after each `.interrupted`.
///
/// It is a real-time signal (`SIGRTMIN + 4`) to the thread that runs the vCPU, whose handler is installed when KVM is opened.
public final class VCPUKicker: Sendable {
    private let thread = Atomic<Int32>(0)
    private let pending = Atomic<Bool>(false)

    init() {}

    /// The vCPU's run ends, or its next one does before the guest is entered.
    public func kick() {
        pending.store(true, ordering: .sequentiallyConsistent)
        let thread = thread.load(ordering: .sequentiallyConsistent)
        if thread != 0 { _ = ckvm_kick(thread) }
    }

    /// Notes the calling thread as the one that runs the vCPU.
    ///
    /// - Returns: whether a kick came that no run has ended for yet.
    func prepareThread() -> Bool {
        let current = ckvm_prepare_thread()
        if thread.load(ordering: .relaxed) != current {
            thread.store(current, ordering: .sequentiallyConsistent)
        }
        guard pending.load(ordering: .sequentiallyConsistent) else { return false }
        served()
        return true
    }

    /// A run ended by a signal. What a kick asked for was set before it, so that the caller sees it after this.
    func served() {
        pending.store(false, ordering: .sequentiallyConsistent)
    }
}
