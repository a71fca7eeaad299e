import Glibc
import Synchronization
import TestSupport

/// Wakes another thread, which waits as long as ``TestScale/patience`` at most. Rings that nobody waited for are one ring.
final class Doorbell: Sendable {
    private let rung = Atomic(false)

    func ring() {
        rung.store(true, ordering: .releasing)
    }

    /// - Returns: whether it rang.
    func wait() -> Bool {
        let clock = ContinuousClock()
        var end: ContinuousClock.Instant?
        while !rung.exchange(false, ordering: .acquiring) {
            sched_yield()
            // Seldom more than a few turns: the clock is looked at only then.
            guard let limit = end else {
                end = clock.now + TestScale.patience
                continue
            }
            if clock.now >= limit { return false }
        }
        return true
    }
}
