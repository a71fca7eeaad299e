import DeviceModel

/// A queue of a device, whatever the device does with it: what ``QueueWorker`` is to its backend.
protocol DeviceQueue: Sendable {
    func start(_ queue: consuming Virtqueue, _ session: VirtioSession)
    func ring()
    func stop()
    func end()
}
