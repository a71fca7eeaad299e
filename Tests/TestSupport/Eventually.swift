import Glibc

/// Waits until the condition holds, for the given time at most.
///
/// - Returns: whether it held.
public func eventually(within limit: Duration = .seconds(10), _ condition: () throws -> Bool) rethrows -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while try !condition() {
        guard clock.now < end else { return false }
        usleep(100)
    }
    return true
}
