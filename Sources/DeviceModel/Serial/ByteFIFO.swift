/// The receiver's queue: up to 16 bytes, first in, first out (PC16550D §8.5).
///
/// The bytes lie in one integer, the oldest lowest, and everything above the youngest is 0. So two queues are equal
/// exactly when they hold the same bytes, and there is no index that could go wrong.
package struct ByteFIFO: Equatable, Sendable {
    /// How many bytes fit.
    package static let capacity = 16

    private var bytes: UInt128 = 0
    /// How many bytes wait, 0 to ``capacity``.
    package private(set) var count = 0

    /// A queue of these bytes, the oldest first; those that do not fit are left out.
    package init(_ bytes: [UInt8] = []) {
        for byte in bytes.prefix(Self.capacity) {
            _ = append(byte)
        }
    }

    /// Adds the youngest byte. Returns false, and changes nothing, when the queue is full.
    package mutating func append(_ byte: UInt8) -> Bool {
        guard count < Self.capacity else { return false }
        bytes |= UInt128(byte) << (count &* 8)
        count &+= 1
        return true
    }

    /// Takes the oldest byte, or nil when there is none.
    package mutating func popFirst() -> UInt8? {
        guard count > 0 else { return nil }
        let first = UInt8(truncatingIfNeeded: bytes)
        bytes >>= 8
        count &-= 1
        return first
    }
}
