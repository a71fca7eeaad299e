import Glibc
import SystemPackage

/// A call that the system refused: what was tried, and why it failed.
public struct HostError: Error, Hashable, Sendable, CustomStringConvertible {
    /// As the second half of a sentence that begins with "cannot".
    public let operation: String
    public let reason: Errno

    public init(_ operation: String, _ reason: Errno) {
        self.operation = operation
        self.reason = reason
    }

    /// One line: the operation and the system's words for the reason.
    public var description: String { "cannot \(operation): \(reason)" }

    /// The result of a C function that gives a negative error number when it fails.
    ///
    /// - Throws: what failed, and why.
    @discardableResult
    public static func check(_ result: Int, _ operation: @autoclosure () -> String) throws(HostError) -> Int {
        guard result < 0 else { return result }
        throw HostError(operation(), Errno(negated: result))
    }
}

extension Errno {
    /// The error of the last failed call of the C library on this thread.
    public static var current: Errno { Errno(rawValue: errno) }

    /// The error that a C function tells by a negative result.
    public init(negated result: Int) {
        self.init(rawValue: Int32(truncatingIfNeeded: 0 &- result))
    }
}
