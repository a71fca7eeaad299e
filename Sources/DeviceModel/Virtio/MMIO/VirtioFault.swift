/// Why a device set DEVICE_NEEDS_RESET (VIRTIO 1.2 §2.1.2).
public enum VirtioFault: Error, Hashable, CustomStringConvertible {
    /// The driver made a queue ready with more entries than QueueNumMax (VIRTIO 1.2 §4.2.2.2).
    case queueTooLarge(queue: Int, size: UInt32, maximum: UInt16)
    /// A queue's layout or what lies in it is wrong.
    case virtqueue(queue: Int, VirtqueueError)
    /// Something that is particular to the device.
    case device(String)

    /// The reason in words.
    public var description: String {
        switch self {
        case .queueTooLarge(let queue, let size, let maximum):
            "queue \(queue) cannot have \(size) entries, but \(maximum) at most"
        case .virtqueue(let queue, let error): "queue \(queue): \(error)"
        case .device(let reason): reason
        }
    }
}
