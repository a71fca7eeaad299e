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

/// Why a list of regions cannot be guest memory.
public enum GuestMemoryLayoutError: Error, Equatable, CustomStringConvertible {
    /// The region at this address has no bytes.
    case empty(GuestAddress)
    /// The region reaches past the last address that 64 bits can name.
    case wraps(GuestAddress, size: UInt64)
    /// The second region does not start after the end of the first, which stands before it in the list.
    case overlapOrDisorder(GuestAddress, GuestAddress)

    /// The error in words.
    public var description: String {
        switch self {
        case .empty(let start):
            "the memory region at \(start) is empty"
        case .wraps(let start, let size):
            "the memory region of \(size) bytes at \(start) reaches past the end of the address space"
        case .overlapOrDisorder(let first, let second):
            "the memory region at \(second) overlaps the one at \(first) or should stand before it"
        }
    }
}
