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
