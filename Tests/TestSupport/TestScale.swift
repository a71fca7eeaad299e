import Glibc

/// Makes the large payloads of tests smaller on slow hosts: `SWIFTVMM_TEST_SCALE=10` divides them by ten.
public enum TestScale {
    public static let divisor: Int = {
        // SAFETY: a C string for the length of the call; what comes back is copied at once.
        guard let text = unsafe getenv("SWIFTVMM_TEST_SCALE") else { return 1 }
        return max(1, Int(unsafe String(cString: text)) ?? 1)
    }()

    /// How long anything may take where a test does not say otherwise: a guest, a program, a wait for what must come. Nothing may hang,
    /// but that is all: none takes nearly as long, also where it shares the processors with all other tests and with more work. What
    /// hangs must be over before the time limit for all tests, on slow hosts too.
    public static let patience: Duration = .seconds(LinuxGuests.wantsAll ? 3600 : 300)

    public static func count(_ count: Int) -> Int {
        max(1, count / divisor)
    }
}
