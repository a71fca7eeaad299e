/// The events that a driver has not acknowledged (VIRTIO 1.2 §4.2.2.1).
///
/// A driver reads InterruptStatus, handles what it finds, and acknowledges that. What happens a second time in between it has
/// not seen, although the bit is the same: such an event stays, so that the acknowledge of the first does not lose it. A driver
/// that acknowledges without having looked means whatever there is.
package struct VirtioInterrupts: Hashable, Sendable {
    /// The bits of InterruptStatus.
    package var raised: VirtioEvents = []
    /// Those of them that the driver has read.
    package var shown: VirtioEvents = []
    /// Those of them that happened again after that.
    package var again: VirtioEvents = []

    package init() {}

    /// Whether the interrupt line is high (VIRTIO 1.2 §4.2.3.4).
    package var level: Bool { !raised.isEmpty }

    package mutating func raise(_ events: VirtioEvents) {
        again.formUnion(events.intersection(shown))
        raised.formUnion(events)
    }

    /// A driver's read of InterruptStatus.
    package mutating func show() -> VirtioEvents {
        shown = raised
        again = []
        return raised
    }

    /// A driver's write of InterruptACK. Bits that are not raised mean nothing.
    package mutating func acknowledge(_ events: VirtioEvents) {
        raised.subtract(events.subtracting(again))
        shown.subtract(events)
        again.subtract(events)
    }
}

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
