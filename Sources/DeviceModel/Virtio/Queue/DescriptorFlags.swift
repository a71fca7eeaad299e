/// What a descriptor says of itself (VIRTIO 1.2 §2.7.5). Bits without a name are ignored.
struct DescriptorFlags: OptionSet, Hashable, Sendable {
    let rawValue: UInt16

    /// VIRTQ_DESC_F_NEXT: the chain goes on at ``Descriptor/next``.
    static let next = DescriptorFlags(rawValue: 1)
    /// VIRTQ_DESC_F_WRITE: the device writes the buffer; without it the device reads it.
    static let write = DescriptorFlags(rawValue: 2)
    /// VIRTQ_DESC_F_INDIRECT: the buffer is a table of descriptors.
    static let indirect = DescriptorFlags(rawValue: 4)
}
