/// The configuration space of a device and its generation (VIRTIO 1.2 §2.5), which change together.
///
/// A driver that reads several fields reads the generation before and after; if it is the same, the fields belong together. So a
/// device must never let the two be seen apart: it keeps this value under one lock and hands out copies.
public struct VirtioConfiguration: Hashable, Sendable {
    /// The space, fields with their lowest byte first. The transport shows the first 3,840 bytes.
    public private(set) var bytes: [UInt8]
    /// A number that changes with the bytes, and wraps.
    public private(set) var generation: UInt32 = 0

    /// Begins at generation 0.
    public init(bytes: [UInt8] = []) {
        self.bytes = bytes
    }

    /// Changes the space; the generation changes only if the bytes do.
    ///
    /// - Returns: whether they did. If so, and if it was not the driver who did it, tell ``VirtioSession/configurationChanged()``.
    public mutating func replace(with bytes: [UInt8]) -> Bool {
        guard bytes != self.bytes else { return false }
        self.bytes = bytes
        generation &+= 1
        return true
    }

    /// The `width` bytes at `offset`, the first one lowest; zeros where the space has ended.
    package func read(offset: UInt64, width: Int) -> UInt64 {
        guard let start = Int(exactly: offset), start < bytes.count else { return 0 }
        var value: UInt64 = 0
        for byte in bytes[start...].prefix(width).reversed() { value = value &<< 8 | UInt64(byte) }
        return value
    }

    /// Whether all `width` bytes at `offset` exist.
    package func contains(offset: UInt64, width: Int) -> Bool {
        guard let start = Int(exactly: offset) else { return false }
        return start <= bytes.count && width <= bytes.count &- start
    }
}
