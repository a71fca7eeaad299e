/// What a backend has of its transport between DRIVER_OK and the next reset.
///
/// Any thread may call at any time, also from inside a call of the transport and with locks of its own held: no call waits for
/// anything but other short accesses to the registers. Once a reset has begun they do nothing, so a thread that is late does no
/// harm to what comes after it.
public struct VirtioSession: Sendable {
    private let state: VirtioMMIOState
    private let epoch: UInt64
    /// What was negotiated.
    public let features: VirtioFeatures

    init(state: VirtioMMIOState, epoch: UInt64, features: VirtioFeatures) {
        self.state = state
        self.epoch = epoch
        self.features = features
    }

    /// Interrupts the driver because chains of a queue were given back (a used buffer notification, VIRTIO 1.2 §2.3). Call it
    /// when ``Virtqueue/publish()`` says so. For a queue that is not at work it does nothing.
    public func raiseUsedBufferInterrupt(queue index: Int) {
        state.access(epoch: epoch) { $0.raiseUsedBuffer(queue: index) }
    }

    /// Interrupts the driver because ``VirtioBackend/configuration`` has changed, and not by the driver (a configuration change
    /// notification, VIRTIO 1.2 §3.2.1). The change must be there to be read already.
    public func configurationChanged() {
        state.access(epoch: epoch) { $0.raiseConfigurationChange() }
    }

    /// Sets DEVICE_NEEDS_RESET and tells the driver (VIRTIO 1.2 §2.1.2). The queues get no more notifications; they are stopped by
    /// the driver's reset. Only the first call counts until then.
    public func fail(_ reason: VirtioFault) {
        state.access(epoch: epoch) { $0.fail(reason) }
    }
}
