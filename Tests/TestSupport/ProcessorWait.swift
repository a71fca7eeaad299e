import Synchronization

/// How long a thread that always wants to run is kept from it, seen by one that does nothing else, while something is timed: what the
/// other work of the machine costs at this moment.
///
/// A bound on how soon something happens is what it may take on an idle machine, and some of these waits besides: one for each thread
/// that must get a processor for it, and more.
public final class ProcessorWait: Sendable {
    private let longest = Mutex(Duration.zero)
    private let isOver = Atomic(false)
    private let thread = Mutex<HostThread?>(nil)

    /// Begins to watch. On a slow host the bounds are wide as they are, and one that spins would take much of it: there it does nothing.
    public init() {
        guard TestScale.divisor == 1 else { return }
        let start = ContinuousClock.now
        thread.withLock {
            $0 = HostThread { [self] in
                var last = start
                var longest = Duration.zero
                while !isOver.load(ordering: .relaxed) {
                    let now = ContinuousClock.now
                    longest = max(longest, now - last)
                    last = now
                }
                self.longest.withLock { $0 = longest }
            }
        }
    }

    /// Ends the watch.
    ///
    /// - Returns: the longest of the waits.
    public func end() -> Duration {
        isOver.store(true, ordering: .relaxed)
        thread.withLock { $0.take() }?.join()
        return longest.withLock { $0 }
    }
}
