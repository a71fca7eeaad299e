import DeviceModel

/// Where a machine's RAM lies, and what a guest is told of it: from 0 up to 3 GiB, and what is left from 4 GiB on, so that the gigabyte
/// between is free for devices.
public struct MemoryMap: Equatable, Sendable {
    public enum Kind: Sendable {
        /// For the guest to use.
        case usable
        /// RAM that the guest is told to leave alone.
        case kept
        /// RAM that the guest is told nothing of, in the place of a PC's adapters: its kernels may map a screen there.
        case untold
        /// No RAM, and nothing for a guest to put there.
        case reserved
    }

    /// Addresses of one kind. They do not overlap, and go from low to high.
    public struct Range: Equatable, Sendable {
        public let start: UInt64
        /// The first address behind it.
        public let end: UInt64
        public let kind: Kind
    }

    /// One piece of RAM, as KVM has it. `offset` is its place in the memory that backs all of it, in bytes.
    struct Slot: Equatable, Sendable {
        let start: GuestAddress
        let size: UInt64
        let offset: UInt64
    }

    static let pageSize: UInt64 = 4096
    static let smallest: UInt64 = 1 << 20

    /// All RAM in bytes.
    public let size: UInt64
    public let ranges: [Range]

    /// - Parameters:
    ///   - size: in bytes.
    ///   - physicalAddressBits: how wide the guest's addresses are.
    ///   - tablesEnd: behind the tables that the boot protocol keeps from 0 on; 0 where it keeps none there.
    init(
        size: UInt64, physicalAddressBits: Int, tablesEnd: UInt64 = LowMemory.tablesEnd
    ) throws(VMMError) {
        guard size >= Self.smallest else {
            throw .configuration("\(size) bytes of memory are too few; a machine needs at least 1M")
        }
        guard size % Self.pageSize == 0 else {
            throw .configuration(
                "\(size) bytes of memory are not whole pages of 4096 bytes; use a suffix: K, M, G or T")
        }
        let hole = HighMemory.deviceHole
        let low = min(size, hole.lowerBound)
        let high = size - low
        // The shift is safe: CPUID's number has eight bits, and more than 63 would only mean that all of them fit.
        let end = high == 0 ? low : hole.upperBound.addingReportingOverflow(high).partialValue
        guard physicalAddressBits > 63 || (end <= 1 << UInt64(physicalAddressBits) && end >= low) else {
            throw .configuration(
                "\(size) bytes of memory do not fit the guest's \(physicalAddressBits)-bit physical addresses; use less"
            )
        }
        self.size = size
        let (bios, kvm) = (LowMemory.biosArea, HighMemory.reservedByKVM)
        let ranges = [
            Range(start: 0, end: tablesEnd, kind: .kept),
            Range(start: tablesEnd, end: bios.lowerBound, kind: .usable),
            Range(start: bios.lowerBound, end: LowMemory.adapters.lowerBound, kind: .kept),
            Range(start: LowMemory.adapters.lowerBound, end: LowMemory.adapters.upperBound, kind: .untold),
            Range(start: LowMemory.adapters.upperBound, end: bios.upperBound, kind: .kept),
            Range(start: bios.upperBound, end: low, kind: .usable),
            Range(start: kvm.lowerBound, end: kvm.upperBound, kind: .reserved),
            Range(start: hole.upperBound, end: hole.upperBound &+ high, kind: .usable),
        ]
        self.ranges = ranges.filter { $0.start < $0.end }
    }

    private init(size: UInt64, ranges: [Range]) {
        self.size = size
        self.ranges = ranges
    }

    /// The same map with a range that the guest is told to leave alone, for the program around it.
    ///
    /// - Throws: `VMMError.configuration` for one that is not whole pages of what the guest could use, or has a part in common with another.
    func keeping(_ shared: SharedMemory) throws(VMMError) -> MemoryMap {
        let (start, count) = (shared.address, UInt64(max(0, shared.byteCount)))
        let name = "the shared memory of \(shared.byteCount) bytes at \(hex(start))"
        guard start % Self.pageSize == 0, count % Self.pageSize == 0, count > 0 else {
            throw .configuration("\(name) is not whole pages of 4096 bytes; give multiples of 4096")
        }
        guard
            let index = ranges.firstIndex(where: {
                $0.kind == .usable && $0.start <= start && start < $0.end && count <= $0.end &- start
            })
        else {
            let usable = ranges.filter { $0.kind == .usable }.map { "\(hex($0.start))-\(hex($0.end &- 1))" }
            throw .configuration(
                "\(name) is not RAM that the guest could use, or is shared twice; put it into \(usable.joined(separator: " or "))"
            )
        }
        let (old, end) = (ranges[index], start &+ count)
        let parts = [
            Range(start: old.start, end: start, kind: .usable), Range(start: start, end: end, kind: .kept),
            Range(start: end, end: old.end, kind: .usable),
        ]
        var ranges = ranges
        ranges.replaceSubrange(index...index, with: parts.filter { $0.start < $0.end })
        return MemoryMap(size: size, ranges: ranges)
    }

    /// RAM, whatever the guest is told of it.
    var slots: [Slot] {
        var slots: [Slot] = []
        for range in ranges where range.kind != .reserved {
            let size = range.end &- range.start
            if let last = slots.last, last.start.rawValue &+ last.size == range.start {
                slots[slots.count - 1] = Slot(start: last.start, size: last.size &+ size, offset: last.offset)
            } else {
                let offset = slots.last.map { $0.offset &+ $0.size } ?? 0
                slots.append(Slot(start: GuestAddress(range.start), size: size, offset: offset))
            }
        }
        return slots
    }

    /// RAM as the gate to it has it.
    var regions: [GuestMemory.Region] { slots.map { GuestMemory.Region(start: $0.start, size: $0.size) } }

    /// The least RAM, in bytes, that holds the `count` bytes at a guest-physical address; nil where no amount does.
    static func size(holding start: UInt64, count: UInt64) -> UInt64? {
        let (end, wraps) = start.addingReportingOverflow(count)
        guard !wraps, end <= 1 << UInt64(HighMemory.widestAddress) else { return nil }
        let hole = HighMemory.deviceHole
        let size: UInt64
        if end <= hole.lowerBound {
            size = end
        } else if start >= hole.upperBound {
            // The hole takes addresses, and no RAM.
            size = end &- (hole.upperBound &- hole.lowerBound)
        } else {
            return nil
        }
        // In whole pages. It cannot wrap: no more than 52 bits are in use.
        return max(smallest, (size &+ (pageSize &- 1)) & ~(pageSize &- 1))
    }
}
