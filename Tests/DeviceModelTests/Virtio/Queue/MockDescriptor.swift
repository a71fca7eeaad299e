/// What a driver writes into one entry of a descriptor table, right or wrong.
struct MockDescriptor: Hashable, Sendable {
    static let next: UInt16 = 1
    static let write: UInt16 = 2
    static let indirect: UInt16 = 4

    var address: UInt64
    var count: UInt32
    var flags: UInt16 = 0
    var next: UInt16 = 0

    /// The two little-endian words of the entry.
    var words: [UInt64] {
        [address, UInt64(count) | UInt64(flags) << 32 | UInt64(next) << 48]
    }
}
