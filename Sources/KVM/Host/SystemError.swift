import Glibc

/// A system call's error number, with the system's own words for it (`errno(3)`).
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    public let code: Int32

    public init(code: Int32) {
        self.code = code
    }

    /// The error of the last failed call of the C library on this thread.
    public static var current: SystemError { SystemError(code: errno) }

    public var description: String {
        // SAFETY: strerror gives a valid string for every number, and the copy is made before anything else runs here.
        unsafe String(cString: strerror(code))
    }
}
