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

/// Which descriptor is meant.
public struct DescriptorLocation: Hashable, Sendable, CustomStringConvertible {
    /// The index in the descriptor table at which the chain begins.
    public let head: UInt16
    /// The descriptor's index in its own table.
    public let index: UInt16
    /// Whether its table is the chain's indirect table rather than the descriptor table.
    public let isIndirect: Bool

    /// Names a descriptor, whether or not it exists.
    public init(head: UInt16, index: UInt16, isIndirect: Bool) {
        self.head = head
        self.index = index
        self.isIndirect = isIndirect
    }

    /// The place in words.
    public var description: String {
        isIndirect
            ? "indirect descriptor \(index) of the chain at \(head)" : "descriptor \(index) of the chain at \(head)"
    }
}

/// The buffers that a driver offers as one (VIRTIO 1.2 §2.7.4, §2.7.5): first those that the device reads, then those that it
/// writes.
///
/// One value serves for many chains, one after the other: ``Virtqueue/nextChain(into:)`` fills it anew and keeps its storage. A
/// device that holds several chains at once uses several.
public struct DescriptorChain: Hashable, Sendable {
    /// The index of its first descriptor, by which the driver knows it.
    public internal(set) var head: UInt16 = 0
    /// All buffers in the driver's order, without those that have no bytes.
    public private(set) var segments: [GuestSegment] = []
    /// How many of the segments are for the device to read; the rest are for it to write.
    public private(set) var readableCount = 0
    /// How many bytes the device may read; with the writable ones at most 2³².
    public private(set) var readableByteCount: UInt64 = 0
    /// How many bytes the device may write.
    public private(set) var writableByteCount: UInt64 = 0

    /// A chain without buffers, to be filled.
    public init() {}

    /// The buffers that the device reads. It must not write them (VIRTIO 1.2 §2.7.5.1).
    public var readable: ArraySlice<GuestSegment> { segments.prefix(readableCount) }
    /// The buffers that the device writes, from the first byte on (VIRTIO 1.2 §2.7.8.2).
    public var writable: ArraySlice<GuestSegment> { segments.dropFirst(readableCount) }

    /// All bytes of the chain.
    var byteCount: UInt64 { readableByteCount &+ writableByteCount }

    /// Adds a buffer to read, before any to write.
    mutating func appendReadable(_ segment: GuestSegment) {
        segments.append(segment)
        readableCount &+= 1
        readableByteCount &+= UInt64(segment.count)
    }

    mutating func appendWritable(_ segment: GuestSegment) {
        segments.append(segment)
        writableByteCount &+= UInt64(segment.count)
    }

    /// Forgets all buffers but keeps the storage.
    mutating func removeAll() {
        head = 0
        segments.removeAll(keepingCapacity: true)
        readableCount = 0
        readableByteCount = 0
        writableByteCount = 0
    }
}
