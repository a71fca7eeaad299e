import Glibc

/// Makes the large payloads of tests smaller on slow hosts: `SWIFTVMM_TEST_SCALE=10` divides them by ten.
public enum TestScale {
    public static let divisor: Int = {
        // SAFETY: a C string for the length of the call; what comes back is copied at once.
        guard let text = unsafe getenv("SWIFTVMM_TEST_SCALE") else { return 1 }
        return max(1, Int(unsafe String(cString: text)) ?? 1)
    }()

    /// How long a guest or a program may run where a test does not say otherwise: nothing may hang. None takes nearly as long, but it
    /// may have to share the processor with every other test. On slow hosts, too, what hangs must be over before the time limit for
    /// all tests.
    public static let patience: Duration = divisor == 1 ? .seconds(120) : .seconds(300)

    public static func count(_ count: Int) -> Int {
        max(1, count / divisor)
    }
}
