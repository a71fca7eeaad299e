/// A copy of one descriptor (VIRTIO 1.2 §2.7.5). The guest can change the original at any time, so nothing is read twice.
struct Descriptor: Hashable, Sendable {
    /// Where the buffer or the indirect table begins.
    let address: GuestAddress
    /// How long it is, in bytes.
    let count: UInt32
    let flags: DescriptorFlags
    /// The index of the next descriptor in the same table, where the flags say that there is one.
    let next: UInt16

    /// Takes the 16 bytes of a descriptor apart: `le64 addr; le32 len; le16 flags; le16 next`.
    init(low: UInt64, high: UInt64) {
        address = GuestAddress(low)
        count = UInt32(truncatingIfNeeded: high)
        flags = DescriptorFlags(rawValue: UInt16(truncatingIfNeeded: high >> 32))
        next = UInt16(truncatingIfNeeded: high >> 48)
    }
}
