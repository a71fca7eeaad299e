/// What the registers say of one queue (VIRTIO 1.2 §4.2.2).
package struct VirtioMMIOQueue: Hashable, Sendable {
    /// QueueNumMax; 0 if there is no such queue.
    package let maximumSize: UInt16
    /// QueueNum, whatever the driver wrote.
    package var size: UInt32 = 0
    package var descriptorArea: UInt64 = 0
    package var driverArea: UInt64 = 0
    package var deviceArea: UInt64 = 0
    /// QueueReady. It stays set until the backend has let go of the queue.
    package var isReady = false
    /// QueueReset: a reset of this queue has begun and not ended.
    package var isResetting = false

    /// A queue after reset. A size above 32,768 cannot be (VIRTIO 1.2 §2.7), so no more is offered.
    package init(maximumSize: UInt16) {
        self.maximumSize = min(maximumSize, 32_768)
    }

    /// What a ``Virtqueue`` is made of.
    package var layout: VirtqueueLayout {
        VirtqueueLayout(
            size: size, descriptorTable: GuestAddress(descriptorArea), availableRing: GuestAddress(driverArea),
            usedRing: GuestAddress(deviceArea))
    }

    mutating func reset() {
        self = VirtioMMIOQueue(maximumSize: maximumSize)
    }
}
