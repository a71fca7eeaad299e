/// Why devices cannot share a bus as asked.
public enum BusError: Error, Equatable, CustomStringConvertible {
    /// The range has no address.
    case empty(BusRange)
    /// The range reaches past the last address that 64 bits can name.
    case wraps(BusRange)
    /// Both ranges claim the same address; the first one starts no later than the second.
    case overlap(BusRange, BusRange)

    /// The error in words.
    public var description: String {
        switch self {
        case .empty(let range):
            "the bus range \(range) is empty"
        case .wraps(let range):
            "the bus range \(range) reaches past the end of the address space"
        case .overlap(let first, let second):
            "the bus ranges \(first) and \(second) overlap"
        }
    }
}
