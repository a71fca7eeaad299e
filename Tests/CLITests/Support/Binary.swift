import FoundationEssentials

/// Where the program under test is.
enum Binary {
    /// `SWIFTVMM_BINARY`, an absolute path, or what was built together with these tests: it lies beside them.
    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["SWIFTVMM_BINARY"] { return path }
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return tests.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/swiftvmm"
    }()

    /// A release build that uses the system's C library dynamically, so that its calls can be counted.
    static let releasePath = ProcessInfo.processInfo.environment["SWIFTVMM_RELEASE_BINARY"]
}
