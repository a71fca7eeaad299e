/// GDTR or IDTR (Intel SDM vol. 3A section 2.4).
public struct DescriptorTable: Equatable, Sendable {
    /// Linear address.
    public var base: UInt64
    /// Offset of the table's last byte.
    public var limit: UInt16

    public init(base: UInt64 = 0, limit: UInt16 = 0) {
        self.base = base
        self.limit = limit
    }
}
