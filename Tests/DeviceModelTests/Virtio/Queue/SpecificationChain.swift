import DeviceModel
import VirtioDriver

/// What VIRTIO 1.2 §2.7.5 says of a descriptor chain, a second time and with lists: first which descriptors are visited, then
/// which rule the first bad one breaks.
struct SpecificationChain: Equatable {
    /// The tables as lists, and where RAM is. An indirect table is known by its address.
    struct World {
        var main: [MockDescriptor]
        var tables: [UInt64: [MockDescriptor]] = [:]
        var ram: [Range<UInt128>]
        var hasIndirect = true

        func holds(_ address: UInt64, _ count: UInt32) -> Bool {
            let (start, end) = (UInt128(address), UInt128(address) + UInt128(count))
            return ram.contains { $0.lowerBound <= start && end <= $0.upperBound }
        }
    }

    var head: UInt16
    var readable: [GuestSegment] = []
    var writable: [GuestSegment] = []

    /// One step of a walk: a descriptor, or the index where there is none.
    private struct Visit {
        var place: DescriptorLocation
        var descriptor: MockDescriptor?
        var entries: Int
        var isTooMany: Bool
    }

    static func read(_ head: UInt16, in world: World) -> Result<SpecificationChain, VirtqueueError> {
        var chain = SpecificationChain(head: head)
        var bytes: UInt128 = 0
        for visit in visits(head, world) {
            let place = visit.place
            guard let descriptor = visit.descriptor else {
                return .failure(.next(place, entries: UInt32(visit.entries)))
            }
            if visit.isTooMany { return .failure(.endless(place, limit: UInt32(visit.entries))) }
            if descriptor.flags & 4 != 0 {
                if let error = tableError(descriptor, place, world) { return .failure(error) }
                continue
            }
            let isWritable = descriptor.flags & 2 != 0
            if !isWritable, chain.hasSeenWritable { return .failure(.readableAfterWritable(place)) }
            chain.hasSeenWritable = isWritable
            if descriptor.count == 0 { continue }
            let address = GuestAddress(descriptor.address)
            guard world.holds(descriptor.address, descriptor.count) else {
                return .failure(.bufferNotInMemory(place, address, count: descriptor.count))
            }
            bytes += UInt128(descriptor.count)
            if bytes > 0x1_0000_0000 { return .failure(.tooManyBytes(place)) }
            let segment = GuestSegment(address: address, count: descriptor.count)
            if isWritable { chain.writable.append(segment) } else { chain.readable.append(segment) }
        }
        chain.hasSeenWritable = false
        return .success(chain)
    }

    private var hasSeenWritable = false

    init(head: UInt16) {
        self.head = head
    }

    /// All descriptors in order, through the indirect table too. A loop is cut off at the first descriptor that is one too many.
    private static func visits(_ head: UInt16, _ world: World) -> [Visit] {
        var visits = walk(head, head, world.main, isIndirect: false)
        if let last = visits.last?.descriptor, last.flags & 4 != 0, let table = world.tables[last.address] {
            // Only so much of the table as the descriptor's length says.
            visits += walk(head, 0, Array(table.prefix(Int(last.count) / 16)), isIndirect: true)
        }
        return visits
    }

    private static func walk(
        _ head: UInt16, _ first: UInt16, _ table: [MockDescriptor], isIndirect: Bool
    ) -> [Visit] {
        var visits: [Visit] = []
        var index = first
        while true {
            let place = DescriptorLocation(head: head, index: index, isIndirect: isIndirect)
            let descriptor = Int(index) < table.count ? table[Int(index)] : nil
            visits.append(
                Visit(
                    place: place, descriptor: descriptor, entries: table.count, isTooMany: visits.count == table.count))
            guard let descriptor, visits.count <= table.count, descriptor.flags & 4 == 0, descriptor.flags & 1 != 0
            else {
                return visits
            }
            index = descriptor.next
        }
    }

    private static func tableError(
        _ descriptor: MockDescriptor, _ place: DescriptorLocation, _ world: World
    ) -> VirtqueueError? {
        let (address, count) = (GuestAddress(descriptor.address), descriptor.count)
        if !world.hasIndirect { return .indirectNotNegotiated(place) }
        if place.isIndirect { return .indirectWithinIndirect(place) }
        if descriptor.flags & 1 != 0 { return .indirectWithNext(place) }
        if count == 0 || count % 16 != 0 { return .indirectTableSize(place, count: count) }
        return world.holds(descriptor.address, count) ? nil : .indirectTableNotInMemory(place, address, count: count)
    }
}

extension SpecificationChain {
    /// What a chain that was taken shows.
    init(_ chain: DescriptorChain) {
        head = chain.head
        readable = Array(chain.readable)
        writable = Array(chain.writable)
    }
}
