/// A write that waited in the ring instead of being an exit (Linux api.rst section 4.116).
public struct CoalescedWrite: Equatable, Sendable {
    /// The port.
    public let address: UInt64
    /// In bytes, 1 to 8.
    public let width: Int
    /// Little-endian, zero beyond the width.
    public let value: UInt64

    public init(address: UInt64, width: Int, value: UInt64) {
        self.address = address
        self.width = width
        self.value = value
    }
}
