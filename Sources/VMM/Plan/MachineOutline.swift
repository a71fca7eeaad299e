import DeviceModel

/// What of a machine does not depend on where its image lies: memory, vCPUs, interrupt controllers, and the places of its devices. It is
/// made as far as it can be, and everything that cannot be had is noted.
struct MachineOutline {
    /// Nil where there can be none of that size.
    let memory: MemoryMap?
    /// One where so many cannot be had.
    let vcpuCount: Int
    let interrupts: InterruptControllers
    /// What every machine has, then those of the configuration's devices that can be had.
    let devices: [DeviceSlot]

    /// - Parameter boot: nil where nothing is known of the image.
    init(
        _ configuration: MachineConfiguration, _ boot: BootProtocol?, _ format: ImageFormat?, _ host: HostLimits,
        _ faults: inout FaultList
    ) {
        // Those in the BIOS area are in what is kept anyway.
        let places = boot?.tables ?? 0..<LowMemory.tablesEnd
        let size = configuration.memorySize ?? (format ?? .flat).standardMemory
        let map = faults.check("memory") { () throws(VMMError) in
            try MemoryMap(
                size: size, physicalAddressBits: host.physicalAddressBits,
                tablesEnd: places.lowerBound == 0 ? places.upperBound : 0)
        }
        let count = faults.check("vcpus") { () throws(VMMError) in try Self.vcpuCount(configuration, host) }
        let controllers = faults.check("interruptControllers") { () throws(VMMError) in
            try Self.interruptControllers(configuration, boot, vcpuCount: count ?? 1)
        }
        vcpuCount = count ?? 1
        interrupts = controllers ?? .full
        devices = Self.slots(configuration, boot, map, controllers, &faults)
        memory = configuration.sharedMemory.enumerated().reduce(map) { map, shared in
            guard let map else { return nil }
            return faults.check("sharedMemory[\(shared.offset)]") { () throws(VMMError) in
                try map.keeping(shared.element)
            } ?? map
        }
    }

    private static func vcpuCount(
        _ configuration: MachineConfiguration, _ host: HostLimits
    ) throws(VMMError) -> Int {
        let count = configuration.vcpuCount
        let limit = min(VirtualMachine.vcpuLimit, host.vcpuCount)
        guard (1...max(1, limit)).contains(count) else {
            let whose = limit < VirtualMachine.vcpuLimit ? "this host's KVM gives a machine" : "a machine has"
            throw .configuration("\(count) vCPUs are not to be had; \(whose) 1 to \(limit)")
        }
        return count
    }

    private static func interruptControllers(
        _ configuration: MachineConfiguration, _ boot: BootProtocol?, vcpuCount count: Int
    ) throws(VMMError) -> InterruptControllers {
        let hasBIOS = boot?.hasBIOS ?? false
        switch configuration.interruptControllers {
        case .none where count > 1:
            throw .configuration(
                "\(count) vCPUs need interrupt controllers, by which the first starts the others; ask for full ones or for one vCPU"
            )
        case .none where hasBIOS, .split where hasBIOS:
            throw .configuration(
                "a boot sector's BIOS has a timer and a keyboard, which need a PC's interrupt controllers; ask for full ones, or take it as a flat image"
            )
        case .auto: return boot?.interruptControllers(vcpuCount: count) ?? (count > 1 ? .full : .none)
        case .none, .split, .full: return configuration.interruptControllers
        }
    }

    /// - Parameters:
    ///   - map: nil where there is none to compare with.
    ///   - controllers: the same.
    private static func slots(
        _ configuration: MachineConfiguration, _ boot: BootProtocol?, _ map: MemoryMap?,
        _ controllers: InterruptControllers?, _ faults: inout FaultList
    ) -> [DeviceSlot] {
        var allocator = SlotAllocator()
        var slots = MachinePlan.platform.map { slot in
            boot?.hasBIOS == true && slot.name == VideoDevice.name
                ? DeviceSlot(name: slot.name, ranges: [.ports(Ports.video)]) : slot
        }
        var inputs = [configuration.input].compactMap(\.self)
        for (number, device) in configuration.devices.enumerated() {
            let slot = faults.check("devices[\(number)]") { () throws(VMMError) in
                try device.description.check()
                let slot = try allocator.place(device.description.slotRequest)
                if let map { try check(slot, against: map) }
                if let controllers { try check(slot, against: controllers) }
                try check(slot, against: slots)
                try check(device, slot, against: &inputs, of: configuration)
                return slot
            }
            if let slot { slots.append(slot) }
        }
        return slots
    }

    /// A device in the middle of RAM, or where KVM has pages of its own, would never be reached.
    private static func check(_ slot: DeviceSlot, against map: MemoryMap) throws(VMMError) {
        for case .memory(let range) in slot.ranges {
            guard let other = map.ranges.first(where: { range.lowerBound < $0.end && $0.start < range.upperBound })
            else { continue }
            let what = other.kind == .reserved ? "pages that KVM keeps" : "RAM"
            throw .configuration(
                "the device \(slot.name) at \(hex(range.lowerBound)) lies over \(what); put it from \(hex(HighMemory.deviceHole.lowerBound)) on"
            )
        }
    }

    /// Nor would one where the kernel, or the machine's own I/O APIC, answers first.
    private static func check(_ slot: DeviceSlot, against controllers: InterruptControllers) throws(VMMError) {
        for range in slot.ranges {
            let isTaken =
                switch range {
                case .ports(let ports):
                    controllers == .full && Ports.interruptControllers.contains { $0.overlaps(ports) }
                case .memory(let memory):
                    controllers != .none && HighMemory.interruptControllers.contains { $0.overlaps(memory) }
                }
            guard isTaken else { continue }
            throw .configuration("the device \(slot.name) lies over the interrupt controllers; put it elsewhere")
        }
    }

    /// Of two that read one input each would get a part.
    private static func check(
        _ device: DeviceConfiguration, _ slot: DeviceSlot, against inputs: inout [ConsoleInput],
        of configuration: MachineConfiguration
    ) throws(VMMError) {
        for input in device.description.inputs {
            // The first serial port may be given what it has anyway.
            if slot.name == UARTConfiguration.Port.com1.name, input === configuration.input { continue }
            guard !inputs.contains(where: { $0 === input }) else {
                throw .configuration(
                    "the input of \(slot.name) is another device's already; give each one of its own, or none")
            }
            inputs.append(input)
        }
    }

    private static func check(_ slot: DeviceSlot, against others: [DeviceSlot]) throws(VMMError) {
        for other in others {
            guard other.name != slot.name else {
                throw .configuration("two devices are called \(slot.name); give one of them another name")
            }
            guard !slot.ranges.contains(where: { range in other.ranges.contains { $0.overlaps(range) } }) else {
                throw .configuration(
                    "two devices cannot be at one place: \(other.name) and \(slot.name) have a part in common; choose another range"
                )
            }
        }
    }
}

extension IORange {
    /// Whether both are of one bus, and have a part in common.
    fileprivate func overlaps(_ other: IORange) -> Bool {
        switch (self, other) {
        case (.ports(let ports), .ports(let others)): ports.overlaps(others)
        case (.memory(let memory), .memory(let others)): memory.overlaps(others)
        default: false
        }
    }
}
