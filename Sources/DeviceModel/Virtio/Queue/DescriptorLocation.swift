/// Which descriptor is meant.
public struct DescriptorLocation: Hashable, Sendable, CustomStringConvertible {
    /// The index in the descriptor table at which the chain begins.
    public let head: UInt16
    /// The descriptor's index in its own table.
    public let index: UInt16
    /// Whether its table is the chain's indirect table rather than the descriptor table.
    public let isIndirect: Bool

    /// Names a descriptor, whether or not it exists.
    public init(head: UInt16, index: UInt16, isIndirect: Bool) {
        self.head = head
        self.index = index
        self.isIndirect = isIndirect
    }

    /// The place in words.
    public var description: String {
        isIndirect
            ? "indirect descriptor \(index) of the chain at \(head)" : "descriptor \(index) of the chain at \(head)"
    }
}
