import DeviceModel

/// RAM that the guest is told to use and where nothing has been placed yet.
struct FreeMemory {
    /// Where in it something goes.
    enum Placement: Equatable {
        /// As high as there is room whose end does not exceed an address.
        case highest(below: UInt64)
        /// As low as there is room from an address on, below 4 GiB.
        case lowest(from: UInt64)
        /// As low as there is room behind the image, and elsewhere above 1 MiB where there is none.
        case behindImage
    }

    private struct Gap {
        let start: UInt64
        let end: UInt64
    }

    /// From low to high.
    private var gaps: [Gap]
    /// Behind the last byte of what lies below 4 GiB.
    private var imageEnd = LowMemory.flatImage

    init(_ map: MemoryMap, without pieces: [BootPlan.Piece]) {
        gaps = map.ranges.filter { $0.kind == .usable }.map { Gap(start: $0.start, end: $0.end) }
        // They were checked: none wraps.
        for piece in pieces { remove(piece.address, piece.address &+ piece.memorySize) }
        let ends = pieces.map { $0.address &+ $0.memorySize }.filter { $0 < HighMemory.deviceHole.lowerBound }
        imageEnd = max(imageEnd, ends.max() ?? 0)
    }

    /// Before anything is placed, of a machine with so much RAM.
    init(_ ram: [GuestMemory.Region]) {
        gaps = ram.map { Gap(start: $0.start.rawValue, end: $0.start.rawValue &+ $0.size) }
        remove(LowMemory.biosArea.lowerBound, LowMemory.biosArea.upperBound)
        remove(LowMemory.biosData.lowerBound, LowMemory.biosData.upperBound)
    }

    /// Whether nothing is in so many bytes from an address on.
    func contains(_ start: UInt64, size: UInt64) -> Bool {
        gaps.contains { $0.start <= start && start < $0.end && size <= $0.end &- start }
    }

    /// Takes so many bytes, from a multiple of `alignment` on.
    ///
    /// - Parameter alignment: a power of 2.
    /// - Returns: where they are; nil where there is no room.
    mutating func take(_ size: UInt64, _ placement: Placement, alignment: UInt64 = MemoryMap.pageSize) -> UInt64? {
        var place: UInt64?
        switch placement {
        case .behindImage:
            return take(size, .lowest(from: imageEnd), alignment: alignment)
                ?? take(size, .lowest(from: LowMemory.flatImage), alignment: alignment)
        case .highest(let limit):
            for gap in gaps.reversed() where place == nil {
                let end = min(gap.end, limit)
                guard gap.start < end, end &- gap.start >= size else { continue }
                let start = (end &- size) & ~(alignment &- 1)
                if start >= gap.start { place = start }
            }
        case .lowest(let limit):
            for gap in gaps where place == nil && gap.end <= HighMemory.deviceHole.upperBound {
                let first = max(gap.start, limit)
                let start = (first &+ (alignment &- 1)) & ~(alignment &- 1)
                if start >= first, start <= gap.end, gap.end &- start >= size { place = start }
            }
        }
        if let place { remove(place, place &+ size) }
        return place
    }

    private mutating func remove(_ start: UInt64, _ end: UInt64) {
        var left: [Gap] = []
        for gap in gaps {
            guard start < gap.end, gap.start < end else {
                left.append(gap)
                continue
            }
            if gap.start < start { left.append(Gap(start: gap.start, end: start)) }
            if end < gap.end { left.append(Gap(start: end, end: gap.end)) }
        }
        gaps = left
    }
}
