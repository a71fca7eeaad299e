import Glibc

/// The guests of `guests/`, built before the first use.
public enum Guests {
    /// The path of a guest in `guests/build`, such as `real-hello.bin`.
    public static func path(_ name: String) -> String {
        _ = built
        return "\(Checkout.root)/guests/build/\(name)"
    }

    /// Runs the build script once; it does nothing when all are up to date. A failure shows as a missing guest.
    private static let built: Void = {
        // SAFETY: a C string for the length of the call. The shell's quotes hold a path of this checkout.
        _ = unsafe system("'\(Checkout.root)/scripts/build-guests' >&2")
    }()
}
