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
