import Glibc

/// Makes the large payloads of tests smaller on slow hosts: `SWIFTVMM_TEST_SCALE=10` divides them by ten.
public enum TestScale {
    public static let divisor: Int = {
        // SAFETY: a C string for the length of the call; what comes back is copied at once.
        guard let text = unsafe getenv("SWIFTVMM_TEST_SCALE") else { return 1 }
        return max(1, Int(unsafe String(cString: text)) ?? 1)
    }()

    public static func count(_ count: Int) -> Int {
        max(1, count / divisor)
    }
}
