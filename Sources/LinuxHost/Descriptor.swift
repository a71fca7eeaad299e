import Glibc

/// A file descriptor with one owner, closed when the owner goes.
public struct OwnedDescriptor: ~Copyable, Sendable {
    public let number: Int32

    /// Takes over a descriptor that is open.
    public init(number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }
}
