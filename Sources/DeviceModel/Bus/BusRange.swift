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
        let first = "0x" + String(start, radix: 16)
        guard let last, last != start else { return last == nil ? "\(first), \(count) long" : first }
        return "\(first) to 0x" + String(last, radix: 16)
    }
}
