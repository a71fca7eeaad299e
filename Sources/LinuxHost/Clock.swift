import Glibc

/// The system's clocks in nanoseconds.
public enum MonotonicClock {
    /// Since some fixed moment; never set back.
    public static var now: Int64 { read(CLOCK_MONOTONIC) }

    /// The moment that many nanoseconds from now, or the last one there is.
    public static func after(_ nanoseconds: Int64) -> Int64 {
        let (sum, overflow) = now.addingReportingOverflow(nanoseconds)
        return overflow ? .max : sum
    }

    /// The calling thread's processor time.
    public static var threadTime: Int64 { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // SAFETY: one structure, the caller's own.
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// When something is over at the latest.
public struct Deadline: Equatable, Sendable {
    /// In nanoseconds of the monotonic clock; nil for never.
    private let time: Int64?

    /// - Parameters:
    ///   - timeout: nil for as long as it takes. Below zero is over already.
    ///   - start: a moment of ``MonotonicClock``.
    public init(after timeout: Duration?, since start: Int64 = MonotonicClock.now) {
        // Far below zero the difference of two clocks would overflow.
        time = timeout.map { start.addingReportingOverflow(max(.zero, $0).nanoseconds) }
            .map { $0.overflow ? Int64.max : $0.partialValue }
    }

    private init(time: Int64?) {
        self.time = time
    }

    public static let never = Deadline(after: nil)

    /// The first of two.
    public func orEarlier(_ other: Deadline) -> Deadline {
        Deadline(time: [time, other.time].compactMap(\.self).min())
    }

    public var exists: Bool { time != nil }

    public var isOver: Bool {
        guard let time else { return false }
        return MonotonicClock.now >= time
    }

    /// In nanoseconds; below 0 when it is over.
    public var timeLeft: Int64 { time.map { $0 - MonotonicClock.now } ?? .max }
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
