import DeviceModel

/// What a machine gives a device of an embedder's own.
public struct CustomDeviceParts: Sendable {
    /// The guest's RAM.
    public let memory: GuestMemory
    /// Its interrupt line, low at first; nil unless it asked for one. Any thread may set it. The machine knows nothing of the device's own
    /// threads: one that must not interrupt while the machine is paused has to be held up by who pauses.
    public let interrupt: (any InterruptLine)?
    /// Where the device ends the run, or resets the machine.
    public let events: MachineEventLatch
    /// Where it was put.
    public let slot: DeviceSlot
}

/// A device of an embedder's own, at ports or in guest-physical memory.
public struct CustomDeviceConfiguration: Sendable {
    /// In reports and messages; no two devices have the same one.
    public var name: String
    /// Below 3 GiB there is RAM; from 0xD0000000 on, virtio devices. The device's offsets count from the start of the range.
    public var range: IORange
    /// Whether it has an interrupt line of its own, which the machine chooses.
    public var wantsInterrupt: Bool
    /// Makes the device when the machine is made.
    public var make: @Sendable (CustomDeviceParts) -> any BusDevice

    public init(
        name: String, range: IORange, wantsInterrupt: Bool = false,
        make: @escaping @Sendable (CustomDeviceParts) -> any BusDevice
    ) {
        self.name = name
        self.range = range
        self.wantsInterrupt = wantsInterrupt
        self.make = make
    }
}

extension CustomDeviceConfiguration: DeviceDescription {
    var slotRequest: SlotRequest {
        SlotRequest(name: name, kind: .custom, place: .own([range], wantsInterrupt: wantsInterrupt))
    }

    func check() throws(VMMError) {
        try checkName(name)
        let isEmpty =
            switch range {
            case .ports(let ports): ports.isEmpty
            case .memory(let memory): memory.isEmpty
            }
        if isEmpty { throw .configuration("the device \(name) has an empty range; give it at least one byte") }
    }

    func makeDevice(_ slot: DeviceSlot, _ host: MachineHost) throws(VMMError) -> any MachineDevice {
        let line = slot.gsi.map { host.interrupts.line(gsi: $0) }
        return CustomDevice(
            slot,
            make(CustomDeviceParts(memory: host.memory, interrupt: line, events: host.events, slot: slot)))
    }
}

extension DeviceDescription {
    /// The name that an embedder chose for a device.
    func checkName(_ name: String) throws(VMMError) {
        guard !name.isEmpty else {
            throw .configuration("a device has an empty name; give it one, for reports and messages")
        }
    }
}

private final class CustomDevice: MachineDevice {
    let busDevice: any BusDevice
    let report: DeviceReport

    init(_ slot: DeviceSlot, _ device: any BusDevice) {
        busDevice = device
        report = DeviceReport(name: slot.name)
    }
}
