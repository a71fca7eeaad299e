/// How far a device has come with a virtqueue. Both numbers wrap at 65,536 and are not reduced to the queue's size.
public struct VirtqueuePosition: Hashable, Sendable {
    /// The index in the available ring of the chain that is taken next.
    public var available: UInt16
    /// The index in the used ring that was last made known to the driver.
    public var used: UInt16

    /// Where a queue begins (VIRTIO 1.2 §2.7.6, §2.7.8), or where one goes on that was saved.
    public init(available: UInt16 = 0, used: UInt16 = 0) {
        self.available = available
        self.used = used
    }
}
