import Synchronization
import TestSupport

/// Sees when a process ends, on a thread of its own: the test may have to wait for a processor behind others.
final class EndWatch: Sendable {
    private let start = ContinuousClock.now
    private let elapsed = Mutex<Duration?>(nil)
    private let thread = Mutex<HostThread?>(nil)

    init(_ process: ProcessState) {
        thread.withLock {
            $0 = HostThread { [self] in
                guard eventually(within: TestScale.patience, { !process.isRunning }) else { return }
                elapsed.withLock { $0 = ContinuousClock.now - start }
            }
        }
    }

    /// How long the process ran on after this was made; nil where it did not end. To be asked when its output has ended.
    var time: Duration? {
        thread.withLock { $0 }?.join()
        return elapsed.withLock { $0 }
    }
}
