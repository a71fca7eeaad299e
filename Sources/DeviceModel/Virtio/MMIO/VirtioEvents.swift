/// What a device interrupts for, as InterruptStatus and InterruptACK have it (VIRTIO 1.2 §4.2.2).
package struct VirtioEvents: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Used buffer notification: the device has used a buffer of some queue.
    package static let usedBuffer = VirtioEvents(rawValue: 1)
    /// Configuration change notification: the configuration, or DEVICE_NEEDS_RESET, has changed.
    package static let configurationChange = VirtioEvents(rawValue: 2)
}
