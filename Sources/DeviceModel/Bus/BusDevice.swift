/// A device as a bus sees it.
///
/// A device knows offsets into itself and never its place on a bus. The guest chooses offsets, widths and values: a
/// device must take every combination.
///
/// Concurrency model: every vCPU may call at any time, so a device guards its own state.
public protocol BusDevice: AnyObject, Sendable {
    /// Reads `width` bytes at `offset`; the bus drops bits above the width.
    ///
    /// - Parameters:
    ///   - offset: in bytes from the start of the device.
    ///   - width: in bytes, 1 to 8.
    func read(offset: UInt64, width: Int) -> UInt64

    /// Writes `width` bytes at `offset`; bits of `value` above the width are 0.
    ///
    /// - Parameters:
    ///   - offset: in bytes from the start of the device.
    ///   - width: in bytes, 1 to 8.
    ///   - value: the bytes, the one at `offset` lowest.
    func write(offset: UInt64, width: Int, value: UInt64)
}
