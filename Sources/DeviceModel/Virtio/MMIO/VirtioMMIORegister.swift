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
