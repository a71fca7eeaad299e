/// What a driver writes into one entry of a descriptor table, right or wrong.
package struct MockDescriptor: Hashable, Sendable {
    package static let next: UInt16 = 1
    package static let write: UInt16 = 2
    package static let indirect: UInt16 = 4

    package var address: UInt64
    package var count: UInt32
    package var flags: UInt16
    package var next: UInt16

    package init(address: UInt64, count: UInt32, flags: UInt16 = 0, next: UInt16 = 0) {
        (self.address, self.count, self.flags, self.next) = (address, count, flags, next)
    }

    /// The two little-endian words of the entry.
    package var words: [UInt64] {
        [address, UInt64(count) | UInt64(flags) << 32 | UInt64(next) << 48]
    }
}
