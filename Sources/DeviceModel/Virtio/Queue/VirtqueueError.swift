/// What a driver did wrong with a split virtqueue. A device answers with DEVICE_NEEDS_RESET (VIRTIO 1.2 §2.1.2).
public enum VirtqueueError: Error, Hashable, CustomStringConvertible {
    /// The number of entries is no power of two, or more than 32,768 (VIRTIO 1.2 §2.7).
    case size(UInt32)
    /// A part does not lie at a multiple of its alignment (VIRTIO 1.2 §2.7.1).
    case misaligned(VirtqueuePart, GuestAddress)
    /// A part does not lie in one region of RAM.
    case ringNotInMemory(VirtqueuePart, GuestMemoryError)
    /// More chains would be with the device than the queue has entries.
    case position(VirtqueuePosition, size: UInt16)
    /// The available index is further ahead than the queue has entries, or went back: `taken` is the index that the device
    /// takes next, and `inFlight` chains were not given back yet (VIRTIO 1.2 §2.7.6.1).
    case availableIndex(UInt16, taken: UInt16, inFlight: UInt16)
    /// The entry at this index of the available ring names a chain that begins outside the descriptor table.
    case head(UInt16, availableIndex: UInt16)
    /// The chain goes on at a descriptor outside the table, which has `entries`.
    case next(DescriptorLocation, entries: UInt32)
    /// The chain has not ended after as many descriptors as its table has entries: it loops (VIRTIO 1.2 §2.7.5.2).
    case endless(DescriptorLocation, limit: UInt32)
    /// A buffer does not lie in one region of RAM.
    case bufferNotInMemory(DescriptorLocation, GuestAddress, count: UInt32)
    /// A buffer that the device reads stands behind one that it writes (VIRTIO 1.2 §2.7.4.2).
    case readableAfterWritable(DescriptorLocation)
    /// With this buffer the chain has more than 2³² bytes (VIRTIO 1.2 §2.7.5.2).
    case tooManyBytes(DescriptorLocation)
    /// A descriptor refers to a table, and VIRTIO_F_INDIRECT_DESC was not negotiated (VIRTIO 1.2 §2.7.5.3.1).
    case indirectNotNegotiated(DescriptorLocation)
    /// A descriptor in a table refers to a table (VIRTIO 1.2 §2.7.5.3.1).
    case indirectWithinIndirect(DescriptorLocation)
    /// A descriptor refers to a table and to a next descriptor (VIRTIO 1.2 §2.7.5.3.1).
    case indirectWithNext(DescriptorLocation)
    /// An indirect table has no entry, or no whole number of them (VIRTIO 1.2 §2.7.5.3).
    case indirectTableSize(DescriptorLocation, count: UInt32)
    /// An indirect table does not lie in one region of RAM.
    case indirectTableNotInMemory(DescriptorLocation, GuestAddress, count: UInt32)
    /// The device gives back a chain that it has not taken: a mistake of the device, not of the driver.
    case notInFlight(head: UInt16)

    /// The error in words.
    public var description: String {
        switch self {
        case .size(let size): "a virtqueue cannot have \(size) entries"
        case .misaligned(let part, let address): "\(address) is not aligned for the \(part)"
        case .ringNotInMemory(let part, let error): "the \(part) cannot be reached: \(error)"
        case .position(let position, let size):
            "a virtqueue of \(size) entries cannot have taken \(position.available) and given back \(position.used)"
        case .availableIndex(let index, let taken, let inFlight):
            "the available index \(index) is out of reach: \(taken) comes next, and \(inFlight) chains are in flight"
        case .head(let head, let index):
            "entry \(index) of the available ring names descriptor \(head), which does not exist"
        case .next(let place, let entries): "there is no \(place): its table has \(entries) entries"
        case .endless(let place, let limit): "the chain has not ended after \(limit) descriptors, at \(place)"
        case .bufferNotInMemory(let place, let address, let count):
            "guest memory does not hold the \(count) bytes at \(address) of \(place) in one region"
        case .readableAfterWritable(let place): "\(place) is to be read, but stands behind one to be written"
        case .tooManyBytes(let place): "with \(place) there are more than 2^32 bytes"
        case .indirectNotNegotiated(let place): "\(place) is a table, which was not negotiated"
        case .indirectWithinIndirect(let place): "\(place) is a table within a table"
        case .indirectWithNext(let place): "\(place) is a table and has a next descriptor"
        case .indirectTableSize(let place, let count): "\(place) is a table of \(count) bytes"
        case .indirectTableNotInMemory(let place, let address, let count):
            "guest memory does not hold the table of \(count) bytes at \(address) of \(place) in one region"
        case .notInFlight(let head): "the chain at \(head) was given back, but none was taken"
        }
    }
}
