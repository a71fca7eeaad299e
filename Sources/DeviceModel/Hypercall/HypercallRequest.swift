/// A guest's request block, copied once (docs/hypercall.md): 24 bytes at any address in RAM, numbers with the lowest byte first.
struct HypercallRequest: Equatable {
    static let size: UInt64 = 24
    static let statusOffset: UInt64 = 4
    static let lengthOffset: UInt64 = 16

    var operation: UInt32
    /// Guest-physical, of the buffer.
    var address: GuestAddress
    /// In bytes; for some operations another number.
    var length: UInt64

    /// - Throws: where the block does not lie in RAM.
    init(at address: GuestAddress, in memory: GuestMemory) throws(GuestMemoryError) {
        var bytes = [UInt8](repeating: 0, count: Int(Self.size))
        var span = bytes.mutableSpan
        try memory.read(at: address, into: &span)
        func number(_ range: Range<Int>) -> UInt64 {
            bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        operation = UInt32(truncatingIfNeeded: number(0..<4))
        self.address = GuestAddress(number(8..<16))
        length = number(16..<24)
    }
}
