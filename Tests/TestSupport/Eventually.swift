import Glibc

/// Waits until the condition holds: the end of the wait is that, and the limit is there only so that nothing hangs.
///
/// - Returns: whether it held.
public func eventually(within limit: Duration = TestScale.patience, _ condition: () throws -> Bool) rethrows -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while try !condition() {
        guard clock.now < end else { return false }
        usleep(100)
    }
    return true
}
