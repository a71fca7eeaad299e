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
