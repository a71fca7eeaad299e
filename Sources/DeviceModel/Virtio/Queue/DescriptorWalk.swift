/// One walk along a descriptor chain, from its head to its end (VIRTIO 1.2 §2.7.5).
///
/// It ends for every content of memory, also while memory changes: in each table it takes no more descriptors than the table
/// has entries, and of an indirect table no more than a chain may have.
struct DescriptorWalk {
    private let memory: GuestMemory
    private let features: VirtqueueFeatures
    private let queueSize: UInt32
    /// The table that the walk is in.
    private var table: GuestAddress
    private var entries: UInt32
    private var isIndirect = false
    /// How many descriptors this table may give, and how many are left of them.
    private var limit: UInt32
    private var left: UInt32
    /// Whether a descriptor for the device to write was met.
    private var hasWritable = false

    /// The limit of VIRTIO 1.2 §2.7.5.2.
    private static let maximumByteCount: UInt64 = 1 << 32
    /// A chain may be no longer than the queue (VIRTIO 1.2 §2.7.5.3.1), but drivers that know a larger limit of the device exceed
    /// that. So many are what other monitors take, and a walk along them is short.
    private static let longestTable: UInt32 = 1024

    /// Prepares for a chain in the descriptor table of a queue whose layout was checked.
    init(memory: GuestMemory, features: VirtqueueFeatures, table: GuestAddress, size: UInt16) {
        self.memory = memory
        self.features = features
        self.table = table
        queueSize = UInt32(size)
        entries = queueSize
        limit = entries
        left = entries
    }

    /// Adds the buffers of the chain at `head`, all checked, to a chain that has none.
    mutating func walk(from head: UInt16, into chain: inout DescriptorChain) throws(VirtqueueError) {
        chain.head = head
        var index = head
        while true {
            let place = DescriptorLocation(head: head, index: index, isIndirect: isIndirect)
            guard UInt32(index) < entries else { throw .next(place, entries: entries) }
            guard left > 0 else { throw .endless(place, limit: limit) }
            left &-= 1
            let descriptor = try copy(index, place)
            if descriptor.flags.contains(.indirect) {
                try enterTable(of: descriptor, place)
                index = 0
                continue
            }
            try append(descriptor, place, to: &chain)
            guard descriptor.flags.contains(.next) else { return }
            index = descriptor.next
        }
    }

    /// The one look at a descriptor.
    private func copy(_ index: UInt16, _ place: DescriptorLocation) throws(VirtqueueError) -> Descriptor {
        // The whole table lies in RAM, so this wraps nowhere.
        let address = GuestAddress(table.rawValue &+ 16 &* UInt64(index))
        do throws(GuestMemoryError) {
            let (low, high) = try memory.loadPairOnce(at: address)
            return Descriptor(low: low, high: high)
        } catch {
            throw isIndirect
                ? .indirectTableNotInMemory(place, address, count: 16) : .ringNotInMemory(.descriptorTable, error)
        }
    }

    /// Goes on in the table that a descriptor refers to. Its write flag means nothing (VIRTIO 1.2 §2.7.5.3.2).
    private mutating func enterTable(of descriptor: Descriptor, _ place: DescriptorLocation) throws(VirtqueueError) {
        guard features.contains(.indirectDescriptors) else { throw .indirectNotNegotiated(place) }
        guard !isIndirect else { throw .indirectWithinIndirect(place) }
        guard !descriptor.flags.contains(.next) else { throw .indirectWithNext(place) }
        guard descriptor.count != 0, descriptor.count & 15 == 0 else {
            throw .indirectTableSize(place, count: descriptor.count)
        }
        guard memory.contains(descriptor.address, count: UInt64(descriptor.count)) else {
            throw .indirectTableNotInMemory(place, descriptor.address, count: descriptor.count)
        }
        table = descriptor.address
        entries = descriptor.count >> 4
        limit = min(entries, max(queueSize, Self.longestTable))
        left = limit
        isIndirect = true
    }

    private mutating func append(
        _ descriptor: Descriptor, _ place: DescriptorLocation, to chain: inout DescriptorChain
    ) throws(VirtqueueError) {
        let isWritable = descriptor.flags.contains(.write)
        guard isWritable || !hasWritable else { throw .readableAfterWritable(place) }
        hasWritable = isWritable
        // No rule of VIRTIO 1.2 forbids a buffer without bytes, and a device must not care how the bytes are divided among
        // descriptors (§2.7.4.1). So it is a descriptor as others are, but no segment: there is nothing at its address.
        guard descriptor.count != 0 else { return }
        guard memory.contains(descriptor.address, count: UInt64(descriptor.count)) else {
            throw .bufferNotInMemory(place, descriptor.address, count: descriptor.count)
        }
        // At most 65,536 times 32 bits: the sum does not wrap.
        guard chain.byteCount &+ UInt64(descriptor.count) <= Self.maximumByteCount else { throw .tooManyBytes(place) }
        let segment = GuestSegment(address: descriptor.address, count: descriptor.count)
        if isWritable {
            chain.appendWritable(segment)
        } else {
            chain.appendReadable(segment)
        }
    }
}
