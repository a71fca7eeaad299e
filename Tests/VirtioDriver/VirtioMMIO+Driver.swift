import DeviceModel

/// The steps of a driver (VIRTIO 1.2 §3.1.1, §4.2.3.2).
extension VirtioMMIO {
    package static let version1: UInt64 = 1 << 32

    package func get(_ register: VirtioMMIORegister) -> UInt64 {
        read(offset: register.rawValue, width: 4)
    }

    package func set(_ register: VirtioMMIORegister, _ value: UInt64) {
        write(offset: register.rawValue, width: 4, value: value)
    }

    package var status: UInt64 { self.get(.status) }

    /// Up to FEATURES_OK.
    package func negotiate(features: UInt64 = version1) {
        set(.status, 0)
        set(.status, 1)
        set(.status, 3)
        set(.driverFeaturesSelect, 0)
        set(.driverFeatures, features & 0xFFFF_FFFF)
        set(.driverFeaturesSelect, 1)
        set(.driverFeatures, features >> 32)
        set(.status, 11)
    }

    package func configure(queue index: Int, _ layout: VirtqueueLayout) {
        set(.queueSelect, UInt64(index))
        set(.queueSize, UInt64(layout.size))
        set(.queueDescriptorLow, layout.descriptorTable.rawValue & 0xFFFF_FFFF)
        set(.queueDescriptorHigh, layout.descriptorTable.rawValue >> 32)
        set(.queueDriverLow, layout.availableRing.rawValue & 0xFFFF_FFFF)
        set(.queueDriverHigh, layout.availableRing.rawValue >> 32)
        set(.queueDeviceLow, layout.usedRing.rawValue & 0xFFFF_FFFF)
        set(.queueDeviceHigh, layout.usedRing.rawValue >> 32)
    }

    /// All of it, with these queues.
    package func bringUp(_ layouts: [VirtqueueLayout] = [], features: UInt64 = version1) {
        negotiate(features: features)
        for (index, layout) in layouts.enumerated() {
            configure(queue: index, layout)
            set(.queueReady, 1)
        }
        set(.status, 15)
    }
}
