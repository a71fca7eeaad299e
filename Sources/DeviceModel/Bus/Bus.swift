import Synchronization

/// Brings each access of a guest to the device that owns the address: the port I/O bus, or the memory-mapped one.
///
/// An access that no device owns in full, because nothing is there or because it crosses the end of a device's range,
/// is no error: a read gives all ones, a write is dropped, as on a PC, and both are counted in ``unmapped``.
///
/// Concurrency model: the devices are fixed when the bus is made, so finding one takes no lock. Only the tally has one.
public final class Bus: Sendable {
    private struct Attachment {
        let range: BusRange
        let device: any BusDevice
    }

    /// Sorted by address, none overlapping another.
    private let attachments: [Attachment]
    private let tally = Mutex(UnmappedAccesses())

    /// Makes a bus of these devices, in any order; a device may have several ranges.
    ///
    /// - Throws: ``BusError`` for a range that is empty or wraps, and for two ranges that overlap.
    public init(_ attachments: [(range: BusRange, device: any BusDevice)]) throws(BusError) {
        let sorted = attachments.sorted { $0.range.start < $1.range.start }
        var previous: (range: BusRange, last: UInt64)?
        for (range, _) in sorted {
            if range.count == 0 {
                throw .empty(range)
            }
            guard let last = range.last else {
                throw .wraps(range)
            }
            if let previous, range.start <= previous.last {
                throw .overlap(previous.range, range)
            }
            previous = (range, last)
        }
        self.attachments = sorted.map { Attachment(range: $0.range, device: $0.device) }
    }

    /// Reads `width` bytes, 1 to 8, at `address`; bits above the width are 0.
    public func read(at address: UInt64, width: Int) -> UInt64 {
        guard let (device, offset) = target(address, width: width) else {
            tally.withLock { $0.recordRead(at: address) }
            return Self.mask(width)
        }
        return device.read(offset: offset, width: width) & Self.mask(width)
    }

    /// Writes the lowest `width` bytes, 1 to 8, of `value` at `address`.
    ///
    /// - Returns: what the vCPU that wrote has to do now.
    @discardableResult
    public func write(at address: UInt64, width: Int, value: UInt64) -> BusEffect {
        guard let (device, offset) = target(address, width: width) else {
            tally.withLock { $0.recordWrite(at: address) }
            return .none
        }
        return device.write(offset: offset, width: width, value: value & Self.mask(width))
    }

    /// The accesses so far that no device owned.
    public var unmapped: UnmappedAccesses {
        tally.withLock { $0 }
    }

    /// The device that owns all bytes of an access, and where in the device the access starts.
    private func target(_ address: UInt64, width: Int) -> (device: any BusDevice, offset: UInt64)? {
        // Binary search for the first range that starts past the address: the one before it is the only candidate.
        var low = attachments.startIndex
        var high = attachments.endIndex
        while low < high {
            // Both are at most the number of devices, so neither line can overflow, and low <= middle < high.
            let middle = low &+ (high &- low) / 2
            if attachments[middle].range.start <= address {
                low = middle &+ 1
            } else {
                high = middle
            }
        }
        guard let attachment = attachments[..<low].last, (1...8).contains(width) else { return nil }
        let offset = address &- attachment.range.start
        let size = UInt64(truncatingIfNeeded: width)
        // Without a sum that could wrap: a device may end at the last address that 64 bits can name.
        guard size <= attachment.range.count, offset <= attachment.range.count &- size else { return nil }
        return (attachment.device, attachment.range.deviceOffset &+ offset)
    }

    /// Ones in the lowest `width` bytes.
    private static func mask(_ width: Int) -> UInt64 {
        switch width {
        case ..<1: 0
        case 8...: .max
        default: ~(UInt64.max << (width &* 8))
        }
    }
}

/// A stretch of a bus that belongs to a device: ports, or bytes of guest-physical memory.
public struct BusRange: Equatable, Sendable, CustomStringConvertible {
    /// The first address.
    public let start: UInt64
    /// How many addresses, in bytes.
    public let count: UInt64
    /// What the device calls the first address. Not 0 only for a device that sits at two places, such as the keyboard
    /// controller, which owns ports 0x60 and 0x64 but not the three between them.
    public let deviceOffset: UInt64

    /// Names a stretch of a bus. Any values are accepted: ``Bus`` refuses a range that is empty or wraps.
    public init(start: UInt64, count: UInt64, deviceOffset: UInt64 = 0) {
        self.start = start
        self.count = count
        self.deviceOffset = deviceOffset
    }

    /// The last address, or nil when the range is empty or reaches past the last address that 64 bits can name.
    public var last: UInt64? {
        guard count > 0 else { return nil }
        let (last, wrapped) = start.addingReportingOverflow(count &- 1)
        return wrapped ? nil : last
    }

    /// The range in hexadecimal, such as `0x3f8 to 0x3ff`.
    public var description: String {
        let first = hex(start)
        guard let last, last != start else { return last == nil ? "\(first), \(count) long" : first }
        return "\(first) to \(hex(last))"
    }
}

/// Why devices cannot share a bus as asked.
public enum BusError: Error, Equatable, CustomStringConvertible {
    /// The range has no address.
    case empty(BusRange)
    /// The range reaches past the last address that 64 bits can name.
    case wraps(BusRange)
    /// Both ranges claim the same address; the first one starts no later than the second.
    case overlap(BusRange, BusRange)

    /// The error in words.
    public var description: String {
        switch self {
        case .empty(let range):
            "the bus range \(range) is empty"
        case .wraps(let range):
            "the bus range \(range) reaches past the end of the address space"
        case .overlap(let first, let second):
            "the bus ranges \(first) and \(second) overlap"
        }
    }
}
