/// A virtio device without its transport, which is a ``VirtioMMIO``.
///
/// Its life is `activate`, then `start` for each queue, then any number of `notify`, `stop` and `start`; then `stop` for each queue
/// that is started, then `reset`, and so on. `reset` may come at any time, also when nothing was activated.
///
/// Concurrency model: `activate`, `start`, `stop`, `reset` and `writeConfiguration` come one at a time, from whichever thread runs the
/// vCPU whose driver asked for them, and must not access the transport's registers. `notify` and `configuration` come from any
/// thread, at the same time as everything else. The transport holds no lock meanwhile that a ``VirtioSession`` takes, so the session
/// may be used inside each of them, and by a thread that `stop` waits for.
public protocol VirtioBackend: AnyObject, Sendable {
    /// What sort of device it is (VIRTIO 1.2 §5); asked once.
    var deviceID: UInt32 { get }
    /// The features that it can work with; asked once. The transport adds its own, and drops those that no code here supports.
    var features: VirtioFeatures { get }
    /// The most entries that each queue may have, a power of two up to 32,768, or 0 where there is none; asked once.
    var queueSizes: [UInt16] { get }
    /// A copy of the configuration space; asked for at each access of a driver.
    var configuration: VirtioConfiguration { get }

    /// The driver writes a field. All `width` bytes, 1, 2, 4 or 8, lie in the configuration space.
    ///
    /// - Parameters:
    ///   - offset: in bytes from the start of configuration space.
    ///   - width: in bytes.
    ///   - value: the bytes, the one at `offset` lowest.
    func writeConfiguration(offset: Int, width: Int, value: UInt64)

    /// Whether the driver may write a field before it has agreed on features (FEATURES_OK), which most must not be (VIRTIO 1.2
    /// §3.1.1).
    func takesEarlyWrite(offset: Int) -> Bool

    /// The driver is ready (DRIVER_OK, VIRTIO 1.2 §3.1.1).
    ///
    /// - Parameter session: the way back to the driver, until ``reset()``.
    func activate(_ session: VirtioSession)

    /// Gives the backend a queue to work with. The driver may have offered chains already, without a notification that arrived:
    /// look once.
    func start(_ queue: consuming Virtqueue, index: Int)

    /// Takes a queue away. When this returns no thread of the backend uses the queue or the guest's memory that its chains refer
    /// to, and none will: the driver may use that for something else at once (VIRTIO 1.2 §4.2.2.1).
    func stop(queue index: Int)

    /// There may be new chains in a queue. It may also come for one that was just stopped, or that is about to be started, and then
    /// means nothing.
    func notify(queue index: Int)

    /// Back to how it was made; all queues are stopped. What the driver has written to the configuration is undone.
    func reset()
}

extension VirtioBackend {
    /// A configuration space that a driver cannot write ignores it.
    public func writeConfiguration(offset: Int, width: Int, value: UInt64) {}

    /// What cannot be written early.
    public func takesEarlyWrite(offset: Int) -> Bool { false }
}

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
