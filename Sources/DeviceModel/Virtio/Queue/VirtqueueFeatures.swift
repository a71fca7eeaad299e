/// The features that change how a split virtqueue works, at their places among the feature bits (VIRTIO 1.2 §6).
public struct VirtqueueFeatures: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    /// Takes all feature bits that were negotiated; those that have nothing to do with a virtqueue do nothing.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// VIRTIO_F_INDIRECT_DESC: a descriptor may refer to a table of descriptors (VIRTIO 1.2 §2.7.5.3).
    public static let indirectDescriptors = VirtqueueFeatures(rawValue: 1 << 28)
    /// VIRTIO_F_EVENT_IDX: each side says at which index it wants a notification (VIRTIO 1.2 §2.7.7, §2.7.10).
    public static let eventIndex = VirtqueueFeatures(rawValue: 1 << 29)
}
