/// Whether bytes that the guest writes to the serial port wait in KVM's ring of coalesced writes, or are exits.
///
/// It begins only after some bytes: the ring has a cost at the end of the machine, which a short greeting need not pay
/// (docs/decisions/0004-coalesced-serial-output.md).
enum SerialCoalescing: Equatable {
    /// How many bytes are written before the ring takes over.
    static let threshold = 64

    /// So many bytes were exits of their own so far.
    case counting(Int)
    case on
    /// The host has no ring, the user wants none, or the guest lets the transmitter interrupt, which each byte must do at
    /// once.
    case off

    /// Counts a byte.
    ///
    /// - Returns: whether the ring is to take over now.
    mutating func countByte() -> Bool {
        guard case .counting(let count) = self else { return false }
        self = .counting(count + 1)
        return count + 1 >= Self.threshold
    }
}
