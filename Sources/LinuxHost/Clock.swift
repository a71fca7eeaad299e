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
