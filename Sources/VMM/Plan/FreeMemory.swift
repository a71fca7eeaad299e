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

    /// From low to high.
    private var ranges: [Range<UInt64>]
    /// Behind the last byte of what lies below 4 GiB.
    private var imageEnd = LowMemory.flatImage

    init(_ map: MemoryMap, without pieces: [BootPlan.Piece]) {
        ranges = map.ranges.filter { $0.kind == .usable }.map { $0.start..<$0.end }
        // They were checked: none wraps.
        for piece in pieces { remove(piece.address..<max(piece.address, piece.address &+ piece.memorySize)) }
        let ends = pieces.map { $0.address &+ $0.memorySize }.filter { $0 < HighMemory.deviceHole.lowerBound }
        imageEnd = max(imageEnd, ends.max() ?? 0)
    }

    /// Before anything is placed, of a machine with so much RAM.
    init(_ ram: [GuestMemory.Region]) {
        ranges = ram.map { $0.start.rawValue..<$0.start.rawValue &+ $0.size }
        remove(LowMemory.biosArea)
        remove(LowMemory.biosData)
    }

    /// Whether nothing is in so many bytes from an address on.
    func contains(_ start: UInt64, size: UInt64) -> Bool {
        ranges.contains { $0.contains(start) && size <= $0.upperBound &- start }
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
            for range in ranges.reversed() where place == nil {
                let end = min(range.upperBound, limit)
                guard range.lowerBound < end, end &- range.lowerBound >= size else { continue }
                let start = (end &- size) & ~(alignment &- 1)
                if start >= range.lowerBound { place = start }
            }
        case .lowest(let limit):
            for range in ranges where place == nil && range.upperBound <= HighMemory.deviceHole.upperBound {
                let first = max(range.lowerBound, limit)
                let start = (first &+ (alignment &- 1)) & ~(alignment &- 1)
                if start >= first, start <= range.upperBound, range.upperBound &- start >= size { place = start }
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
