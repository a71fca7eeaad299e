import CLinuxHost
import Glibc

/// A file descriptor with one owner, closed when the owner goes.
public struct OwnedDescriptor: ~Copyable, Sendable {
    public let number: Int32

    /// Takes over a descriptor that is open.
    public init(number: Int32) {
        self.number = number
    }

    /// Gives it up, open.
    public consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    deinit {
        close(number)
    }
}

/// An eventfd: a counter in the kernel that KVM adds to, or that makes KVM raise an interrupt (eventfd(2)).
public struct EventFD: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    public init() throws(HostError) {
        let number = try HostError.check(clinux_event_create(), "create an eventfd")
        descriptor = OwnedDescriptor(number: Int32(truncatingIfNeeded: number))
    }

    /// Adds one to the counter.
    public func signal() {
        var one: UInt64 = 1
        // It can fail only when the counter is full, which is as good as signalled.
        // SAFETY: eight bytes, the caller's own.
        _ = unsafe write(descriptor.number, &one, 8)
    }

    /// The counter, which is 0 afterwards.
    public func take() -> UInt64 {
        var count: UInt64 = 0
        // SAFETY: eight bytes, the caller's own.
        return unsafe read(descriptor.number, &count, 8) == 8 ? count : 0
    }

    /// What poll(2) waits with until the event is signalled.
    public var number: Int32 { descriptor.number }
}
