/// Why an access to guest memory was refused.
public enum GuestMemoryError: Error, Equatable, CustomStringConvertible {
    /// The `count` bytes at `address` do not lie inside one region of guest memory.
    case outOfBounds(address: GuestAddress, count: UInt64)

    /// The error in words.
    public var description: String {
        switch self {
        case .outOfBounds(let address, let count):
            "guest memory does not hold \(count) bytes at \(address) in one region"
        }
    }
}
