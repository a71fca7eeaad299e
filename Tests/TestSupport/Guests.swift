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
        let script = "\(Checkout.root)/scripts/build-guests"
        // SAFETY: the strings are C strings for the length of the calls, and the list ends with a null pointer.
        unsafe script.withCString { path in
            var arguments: [UnsafeMutablePointer<CChar>?] = [unsafe strdup(path), nil]
            var process: pid_t = 0
            guard unsafe posix_spawn(&process, path, nil, nil, &arguments, environ) == 0 else { return }
            var status: Int32 = 0
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            unsafe free(arguments[0])
        }
    }()
}
