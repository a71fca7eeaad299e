/// Why an access to guest memory was refused.
public enum GuestMemoryError: Error, Hashable, CustomStringConvertible {
    /// The `count` bytes at `address` do not lie inside one region of guest memory.
    case outOfBounds(address: GuestAddress, count: UInt64)
    /// The word at `address` does not lie at a multiple of `alignment` bytes, as an atomic access must.
    case misaligned(address: GuestAddress, alignment: Int)

    /// The error in words.
    public var description: String {
        switch self {
        case .outOfBounds(let address, let count):
            "guest memory does not hold \(count) bytes at \(address) in one region"
        case .misaligned(let address, let alignment):
            "\(address) is not a multiple of \(alignment), as an atomic access needs"
        }
    }
}
