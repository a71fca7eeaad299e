/// The control registers of a virtio-mmio device, version 2 (VIRTIO 1.2 §4.2), with the status machine behind them (§2.1, §3.1).
///
/// A pure value: what is to be done with the device behind is given back as a ``VirtioMMIOAction``, so that a test can compare all
/// of it. ``VirtioMMIO`` does it. Things that take time end in a step of their own: until then a driver that looks sees that
/// they have not ended.
package struct VirtioMMIORegisters: Hashable, Sendable {
    package let deviceID: UInt32
    /// What DeviceFeatures shows.
    package let offeredFeatures: VirtioFeatures
    package var status: VirtioStatus = []
    package var deviceFeaturesSelect: UInt32 = 0
    package var driverFeaturesSelect: UInt32 = 0
    /// What the driver wants; once FEATURES_OK is set, what was negotiated.
    package var driverFeatures: VirtioFeatures = []
    /// Whether the driver wanted any feature from 64 on, of which there is none to offer. It cannot take that back but by a
    /// reset.
    package var wantsUnknownFeatures = false
    package var queueSelect: UInt32 = 0
    package var queues: [VirtioMMIOQueue]
    package var interrupts = VirtioInterrupts()
    /// Whether the backend was told to work, at DRIVER_OK, and has queues.
    package var isActive = false
    /// Why DEVICE_NEEDS_RESET was set the first time. A reset does not clear it: it is for the report.
    package var fault: VirtioFault?

    /// "virt".
    package static let magic: UInt32 = 0x7472_6976
    /// "SVMM". The specification gives VendorID no meaning.
    package static let vendorID: UInt32 = 0x4D4D_5653

    /// The registers of a device that was not touched yet.
    package init(deviceID: UInt32, offeredFeatures: VirtioFeatures, queueSizes: [UInt16]) {
        self.deviceID = deviceID
        self.offeredFeatures = offeredFeatures.intersection(.ofDevice).union(.ofTransport)
        queues = queueSizes.map { VirtioMMIOQueue(maximumSize: $0) }
    }

    /// Reads a register; ConfigGeneration, which is the backend's, and those that can only be written give 0.
    package mutating func read(_ register: VirtioMMIORegister) -> UInt32 {
        switch register {
        case .magicValue: Self.magic
        case .version: 2
        case .deviceID: deviceID
        case .vendorID: Self.vendorID
        case .deviceFeatures: offeredFeatures.word(deviceFeaturesSelect)
        case .queueSizeMaximum: UInt32(selectedQueue?.maximumSize ?? 0)
        case .queueReady: selectedQueue?.isReady == true ? 1 : 0
        case .queueReset: selectedQueue?.isResetting == true ? 1 : 0
        case .interruptStatus: interrupts.show().rawValue
        case .status: UInt32(status.rawValue)
        // No region exists, whatever SHMSel says: the length is -1 and so is the base.
        case .sharedMemoryLengthLow, .sharedMemoryLengthHigh, .sharedMemoryBaseLow, .sharedMemoryBaseHigh: .max
        default: 0
        }
    }

    /// Writes a register; those that can only be read ignore it.
    package mutating func write(_ register: VirtioMMIORegister, _ value: UInt32) -> VirtioMMIOAction {
        switch register {
        case .deviceFeaturesSelect: deviceFeaturesSelect = value
        case .driverFeaturesSelect: driverFeaturesSelect = value
        case .driverFeatures: writeDriverFeatures(value)
        case .queueSelect: queueSelect = value
        case .queueReady: return writeReady(value)
        case .queueReset: return writeReset(value)
        case .queueNotify: return notify(value)
        case .interruptAcknowledge:
            interrupts.acknowledge(VirtioEvents(rawValue: value))
            return interrupts.level ? .interruptAgain : .none
        case .status: return writeStatus(value)
        case .queueSize: configureQueue { $0.size = value }
        case .queueDescriptorLow: configureQueue { $0.descriptorArea.setLow(value) }
        case .queueDescriptorHigh: configureQueue { $0.descriptorArea.setHigh(value) }
        case .queueDriverLow: configureQueue { $0.driverArea.setLow(value) }
        case .queueDriverHigh: configureQueue { $0.driverArea.setHigh(value) }
        case .queueDeviceLow: configureQueue { $0.deviceArea.setLow(value) }
        case .queueDeviceHigh: configureQueue { $0.deviceArea.setHigh(value) }
        default: break
        }
        return .none
    }

    /// The backend has let go of a queue (see ``VirtioMMIOAction/stop(queue:)``).
    package mutating func finishStop(queue index: Int) {
        guard queues.indices.contains(index) else { return }
        // QueueReset gives the queue its state after a reset of the device (VIRTIO 1.2 §2.6.1); QueueReady leaves the rest of
        // its registers alone.
        if queues[index].isResetting { queues[index].reset() }
        queues[index].isReady = false
    }

    /// The backend has let go of everything (VIRTIO 1.2 §2.4.1, §4.2.2.1).
    package mutating func reset() {
        var new = Self(deviceID: deviceID, offeredFeatures: offeredFeatures, queueSizes: queues.map(\.maximumSize))
        new.fault = fault
        self = new
    }

    /// A queue that was made ready cannot be one.
    package mutating func refuse(queue index: Int, _ error: VirtqueueError) {
        guard queues.indices.contains(index) else { return }
        queues[index].isReady = false
        fail(.virtqueue(queue: index, error))
    }

    /// The device has used buffers of a queue. Before DRIVER_OK, and for a queue that is not ready, it cannot have (VIRTIO 1.2
    /// §2.1.2, §2.6.1.1).
    package mutating func raiseUsedBuffer(queue index: Int) {
        guard isActive, queues.indices.contains(index), queues[index].isReady else { return }
        interrupts.raise(.usedBuffer)
    }

    /// The configuration has changed. A driver is told once it is there to be told.
    package mutating func raiseConfigurationChange() {
        guard status.contains(.driverOK) else { return }
        interrupts.raise(.configurationChange)
    }

    /// Sets DEVICE_NEEDS_RESET, which a live driver is told (VIRTIO 1.2 §2.1.2), once until the next reset.
    package mutating func fail(_ reason: VirtioFault) {
        guard !status.contains(.deviceNeedsReset) else { return }
        status.insert(.deviceNeedsReset)
        if fault == nil { fault = reason }
        raiseConfigurationChange()
    }

    private var selectedQueue: VirtioMMIOQueue? {
        queueIndex(queueSelect).map { queues[$0] }
    }

    /// The place of a queue that exists.
    private func queueIndex(_ value: UInt32) -> Int? {
        guard let index = Int(exactly: value), index < queues.count, queues[index].maximumSize > 0 else { return nil }
        return index
    }

    /// Whether neither side has given up.
    private var isSound: Bool { status.isDisjoint(with: [.failed, .deviceNeedsReset]) }

    private mutating func writeDriverFeatures(_ value: UInt32) {
        // The driver must not change its mind after FEATURES_OK (VIRTIO 1.2 §3.1.1); a device that let it would work by rules
        // that nobody agreed on.
        guard !status.contains(.featuresOK) else { return }
        driverFeatures = driverFeatures.replacing(word: driverFeaturesSelect, with: value)
        if driverFeaturesSelect > 1, value != 0 { wantsUnknownFeatures = true }
    }

    private mutating func writeStatus(_ value: UInt32) -> VirtioMMIOAction {
        guard value != 0 else { return .reset }
        let isOffered = offeredFeatures.isSuperset(of: driverFeatures) && !wantsUnknownFeatures
        let written = VirtioStatus(rawValue: UInt8(truncatingIfNeeded: value))
        let new = status.adding(written, featuresAreAcceptable: isOffered && driverFeatures.contains(.version1))
        let becomesLive = new.contains(.driverOK) && !status.contains(.driverOK)
        status = new
        guard becomesLive else { return .none }
        guard isSound else {
            // The device broke before the driver could be told, so it is told now; nothing is started.
            raiseConfigurationChange()
            return .none
        }
        isActive = true
        return .activate
    }

    private mutating func configureQueue(_ change: (inout VirtioMMIOQueue) -> Void) {
        // A driver must not touch these while the queue is ready (VIRTIO 1.2 §4.2.2.2).
        guard let index = queueIndex(queueSelect), !queues[index].isReady else { return }
        change(&queues[index])
    }

    private mutating func writeReady(_ value: UInt32) -> VirtioMMIOAction {
        guard let index = queueIndex(queueSelect) else { return .none }
        switch (value, queues[index].isReady) {
        case (0, true): return .stop(queue: index)
        case (1, false):
            // Queues come after the features (VIRTIO 1.2 §3.1.1), which say how they work; before or after DRIVER_OK.
            guard status.contains(.featuresOK), isSound else { return .none }
            let queue = queues[index]
            guard queue.size <= UInt32(queue.maximumSize) else {
                fail(.queueTooLarge(queue: index, size: queue.size, maximum: queue.maximumSize))
                return .none
            }
            queues[index].isReady = true
            return .makeReady(queue: index)
        default: return .none
        }
    }

    private mutating func writeReset(_ value: UInt32) -> VirtioMMIOAction {
        guard value == 1, status.contains(.featuresOK), driverFeatures.contains(.ringReset),
            let index = queueIndex(queueSelect)
        else { return .none }
        guard queues[index].isReady else {
            queues[index].reset()
            return .none
        }
        queues[index].isResetting = true
        return .stop(queue: index)
    }

    private func notify(_ value: UInt32) -> VirtioMMIOAction {
        guard isActive, isSound, let index = queueIndex(value), queues[index].isReady else { return .none }
        return .notify(queue: index)
    }
}

extension UInt64 {
    fileprivate mutating func setLow(_ value: UInt32) {
        self = self & 0xFFFF_FFFF_0000_0000 | UInt64(value)
    }

    fileprivate mutating func setHigh(_ value: UInt32) {
        self = self & 0x0000_0000_FFFF_FFFF | UInt64(value) &<< 32
    }
}
