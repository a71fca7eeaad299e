/// The control registers and their offsets (VIRTIO 1.2 §4.2.2, table 4.1). Each has 32 bits.
package enum VirtioMMIORegister: UInt64, CaseIterable, Sendable {
    case magicValue = 0x000
    case version = 0x004
    case deviceID = 0x008
    case vendorID = 0x00C
    case deviceFeatures = 0x010
    case deviceFeaturesSelect = 0x014
    case driverFeatures = 0x020
    case driverFeaturesSelect = 0x024
    case queueSelect = 0x030
    case queueSizeMaximum = 0x034
    case queueSize = 0x038
    case queueReady = 0x044
    case queueNotify = 0x050
    case interruptStatus = 0x060
    case interruptAcknowledge = 0x064
    case status = 0x070
    case queueDescriptorLow = 0x080
    case queueDescriptorHigh = 0x084
    case queueDriverLow = 0x090
    case queueDriverHigh = 0x094
    case queueDeviceLow = 0x0A0
    case queueDeviceHigh = 0x0A4
    case sharedMemorySelect = 0x0AC
    case sharedMemoryLengthLow = 0x0B0
    case sharedMemoryLengthHigh = 0x0B4
    case sharedMemoryBaseLow = 0x0B8
    case sharedMemoryBaseHigh = 0x0BC
    case queueReset = 0x0C0
    case configurationGeneration = 0x0FC

    /// The register that an access means, if it means one: a driver must use aligned accesses of 32 bits (VIRTIO 1.2
    /// §4.2.2.2). What others do is left open; here they are not accesses to a register at all, so that no register is
    /// half written.
    package init?(offset: UInt64, width: Int) {
        guard width == 4 else { return nil }
        self.init(rawValue: offset)
    }

    /// Whether a write may begin or end something in the backend.
    var isControl: Bool {
        switch self {
        case .status, .queueReady, .queueReset: true
        default: false
        }
    }
}

/// What a write to a register asks for beyond the registers.
package enum VirtioMMIOAction: Hashable, Sendable {
    case none
    /// The acknowledge left events behind: a line that takes edges must rise again.
    case interruptAgain
    /// There may be new chains in a queue that is at work.
    case notify(queue: Int)
    /// The driver has just made the queue ready. Check its layout, and start it if the device is active.
    case makeReady(queue: Int)
    /// Stop the queue if the device is active, then ``VirtioMMIORegisters/finishStop(queue:)``.
    case stop(queue: Int)
    /// The device has just become active. Start all queues that are ready.
    case activate
    /// Stop everything, then ``VirtioMMIORegisters/reset()``.
    case reset
}

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

/// How far a driver has come with a device, and how the device is (VIRTIO 1.2 §2.1). Bits without a name do not exist.
package struct VirtioStatus: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// ACKNOWLEDGE: the driver has found the device.
    package static let acknowledge = VirtioStatus(rawValue: 0x01)
    /// DRIVER: it knows how to drive it.
    package static let driver = VirtioStatus(rawValue: 0x02)
    /// DRIVER_OK: it is set up; from now on the device works.
    package static let driverOK = VirtioStatus(rawValue: 0x04)
    /// FEATURES_OK: both sides agree on the features.
    package static let featuresOK = VirtioStatus(rawValue: 0x08)
    /// DEVICE_NEEDS_RESET: the device has met an error that it cannot get over by itself.
    package static let deviceNeedsReset = VirtioStatus(rawValue: 0x40)
    /// FAILED: the driver has given up.
    package static let failed = VirtioStatus(rawValue: 0x80)

    /// What results when a driver writes a value other than 0.
    ///
    /// Bits are only ever added: a driver must not clear one (VIRTIO 1.2 §2.1.1). ACKNOWLEDGE and DRIVER tell the device nothing
    /// that it would go by, so it does not insist on them. FEATURES_OK is not set if the driver wants what it cannot have
    /// (§2.2.2), which it finds out by reading; DRIVER_OK is not set without FEATURES_OK; and a driver that has given up must
    /// not go on (§3.1.1). DEVICE_NEEDS_RESET is the device's to set.
    package func adding(_ written: VirtioStatus, featuresAreAcceptable: Bool) -> VirtioStatus {
        var status = union(written.intersection([.acknowledge, .driver, .failed]))
        guard !status.contains(.failed) else { return status }
        if written.contains(.featuresOK), featuresAreAcceptable { status.insert(.featuresOK) }
        if written.contains(.driverOK), status.contains(.featuresOK) { status.insert(.driverOK) }
        return status
    }
}
