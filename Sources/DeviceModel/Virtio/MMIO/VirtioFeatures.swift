/// Feature bits 0 to 63 (VIRTIO 1.2 §2.2, §6). Bits 0 to 23 and from 50 on mean something else for each type of device.
public struct VirtioFeatures: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    /// Takes feature bits at their places.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// VIRTIO_F_INDIRECT_DESC: a descriptor may refer to a table of descriptors.
    public static let indirectDescriptors = VirtioFeatures(rawValue: VirtqueueFeatures.indirectDescriptors.rawValue)
    /// VIRTIO_F_EVENT_IDX: each side says at which index it wants a notification.
    public static let eventIndex = VirtioFeatures(rawValue: VirtqueueFeatures.eventIndex.rawValue)
    /// VIRTIO_F_VERSION_1: not a legacy device, not a legacy driver.
    public static let version1 = VirtioFeatures(rawValue: 1 << 32)
    /// VIRTIO_F_IN_ORDER: the device uses buffers in the order in which they were offered.
    public static let inOrder = VirtioFeatures(rawValue: 1 << 35)
    /// VIRTIO_F_RING_RESET: a driver can reset one queue alone.
    public static let ringReset = VirtioFeatures(rawValue: 1 << 40)

    /// All bits that mean something else for each type of device, 0 to 23 and from 50 on (VIRTIO 1.2 §2.2).
    public static let deviceSpecific = VirtioFeatures(rawValue: 0xFFFC_0000_00FF_FFFF)

    /// What the transport has a part in, whatever the device.
    static let ofTransport: VirtioFeatures = [.version1, .ringReset]
    /// What a device may offer. A device must not offer what it would not support (VIRTIO 1.2 §2.2.2), and of the bits for the
    /// queues and the transport (24 to 49) there is no code for others: no packed queue, no IOMMU, no notification data.
    static let ofDevice = deviceSpecific.union([.indirectDescriptors, .eventIndex, .inOrder])

    /// The 32 bits that a selector stands for; there are none beyond 63.
    func word(_ selector: UInt32) -> UInt32 {
        switch selector {
        case 0: UInt32(truncatingIfNeeded: rawValue)
        case 1: UInt32(truncatingIfNeeded: rawValue &>> 32)
        default: 0
        }
    }

    /// The same with other bits where a selector of 0 or 1 stands for them.
    func replacing(word selector: UInt32, with value: UInt32) -> VirtioFeatures {
        switch selector {
        case 0: VirtioFeatures(rawValue: rawValue & 0xFFFF_FFFF_0000_0000 | UInt64(value))
        case 1: VirtioFeatures(rawValue: rawValue & 0x0000_0000_FFFF_FFFF | UInt64(value) &<< 32)
        default: self
        }
    }
}
