/// RAM that the guest is told to use and where nothing has been placed yet.
struct FreeMemory {
    /// Where in it something goes.
    enum Placement: Equatable {
        /// As high as there is room whose end does not exceed an address.
        case highest(below: UInt64)
        /// As low as there is room from an address on, below 4 GiB.
        case lowest(from: UInt64)
    }

    /// From low to high.
    private var ranges: [Range<UInt64>]

    init(_ map: MemoryMap, without pieces: [BootPlan.Piece]) {
        ranges = map.ranges.filter { $0.kind == .usable }.map { $0.start..<$0.end }
        // They were checked: none wraps.
        for piece in pieces { remove(piece.address..<max(piece.address, piece.address &+ piece.memorySize)) }
    }

    /// Takes so many bytes, from a multiple of `alignment` on.
    ///
    /// - Parameter alignment: a power of 2.
    /// - Returns: where they are; nil where there is no room.
    mutating func take(_ size: UInt64, _ placement: Placement, alignment: UInt64 = MemoryMap.pageSize) -> UInt64? {
        var place: UInt64?
        switch placement {
        case .highest(let limit):
            for range in ranges.reversed() where place == nil {
                let end = min(range.upperBound, limit)
                guard range.lowerBound < end, end &- range.lowerBound >= size else { continue }
                let start = (end &- size) & ~(alignment &- 1)
                if start >= range.lowerBound { place = start }
            }
        case .lowest(let limit):
            for range in ranges where place == nil && range.upperBound <= HighMemory.deviceHole.upperBound {
                let start = (max(range.lowerBound, limit) &+ (alignment &- 1)) & ~(alignment &- 1)
                if start <= range.upperBound, range.upperBound &- start >= size { place = start }
            }
        }
        if let place { remove(place..<place &+ size) }
        return place
    }

    private mutating func remove(_ taken: Range<UInt64>) {
        ranges = ranges.flatMap { range in
            guard range.overlaps(taken) else { return [range] }
            return [
                range.lowerBound..<max(range.lowerBound, taken.lowerBound),
                min(range.upperBound, taken.upperBound)..<range.upperBound,
            ].filter { !$0.isEmpty }
        }
    }
}
