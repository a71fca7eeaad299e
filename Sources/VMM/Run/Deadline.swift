/// When a run is over at the latest.
struct Deadline {
    /// In nanoseconds of the monotonic clock; nil for never.
    private let time: Int64?

    /// - Parameter timeout: from now on; nil for as long as it takes.
    init(after timeout: Duration?) {
        // Below zero is over already, and far below it the difference of two clocks would overflow.
        time = timeout.map { MonotonicClock.now.addingReportingOverflow(max(.zero, $0).nanoseconds) }
            .map { $0.overflow ? Int64.max : $0.partialValue }
    }

    var exists: Bool { time != nil }

    var isOver: Bool {
        guard let time else { return false }
        return MonotonicClock.now >= time
    }

    /// In nanoseconds.
    var timeLeft: Int64 { time.map { $0 - MonotonicClock.now } ?? .max }
}

extension Duration {
    /// Of a time that is not negative; at most what 64 bits hold, which is 292 years.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return .max }
        let (sum, sumOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return sumOverflow ? .max : sum
    }
}
