/// An address in guest-physical memory, in bytes.
///
/// It has no `+` on purpose: a guest chooses most addresses, and a sum that wraps would pass a bounds check that it
/// should fail. ``adding(_:)`` makes the overflow visible where it happens.
public struct GuestAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address as a number of bytes from the start of guest-physical memory.
    public let rawValue: UInt64

    /// Wraps a guest-physical address; any value is an address, whether or not memory is there.
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The address `count` bytes further, or nil when that is past the last address that 64 bits can name.
    public func adding(_ count: UInt64) -> GuestAddress? {
        let (sum, wrapped) = rawValue.addingReportingOverflow(count)
        return wrapped ? nil : GuestAddress(sum)
    }

    /// Orders addresses from low to high.
    public static func < (left: GuestAddress, right: GuestAddress) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The address in hexadecimal, such as `0x7c00`.
    public var description: String {
        hex(rawValue)
    }
}

/// A stretch of guest memory, such as a buffer that a guest named and that was found to lie in one region of RAM.
///
/// Nothing depends on that for safety: the gate checks each access again.
public struct GuestSegment: Hashable, Sendable {
    /// The address of its first byte.
    public let address: GuestAddress
    /// The number of its bytes.
    public let count: UInt32

    /// Names a stretch, such as what is left of one after a part of it was written.
    public init(address: GuestAddress, count: UInt32) {
        self.address = address
        self.count = count
    }
}

/// A number as it stands in data sheets: `0x3f8`.
@inlinable package func hex(_ value: some BinaryInteger) -> String {
    "0x" + String(value, radix: 16)
}
