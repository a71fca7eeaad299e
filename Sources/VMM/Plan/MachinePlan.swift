import DeviceModel

/// What a host's KVM gives a machine at most.
struct HostLimits: Equatable, Sendable {
    let physicalAddressBits: Int
    let vcpuCount: Int
}

/// What a machine will be: a value, made of a configuration, of what an image's headers say and of a host's limits, without touching
/// either the host or the file. Everything that tells a guest or a person of the machine is read off it.
public struct MachinePlan: Equatable, Sendable {
    public let memory: MemoryMap
    /// With every byte that is placed.
    public let boot: BootPlan
    /// Never ``InterruptControllers/auto``.
    public let interrupts: InterruptControllers
    public let vcpuCount: Int
    /// What every machine has, then the configuration's devices in its order.
    public let devices: [DeviceSlot]

    /// The devices of the configuration begin here in ``devices``.
    static let firstConfigured = platform.count

    /// - Throws: `VMMError.configuration` for what cannot be had, `.image` for an image that is refused.
    init(_ configuration: MachineConfiguration, image: ImageInspection, host: HostLimits) throws(VMMError) {
        memory = try MemoryMap(size: configuration.memorySize, physicalAddressBits: host.physicalAddressBits)
        let boot = try image.outcome.get()
        vcpuCount = configuration.vcpuCount
        interrupts = try Self.interruptControllers(configuration, boot.protocol, host)
        var allocator = SlotAllocator()
        var devices = Self.platform
        for device in configuration.devices {
            try device.description.check()
            let slot = try allocator.place(device.description.slotRequest)
            try Self.check(slot, against: memory)
            try Self.check(slot, against: interrupts)
            if devices.contains(where: { $0.name == slot.name }) {
                throw .configuration("two devices are called \(slot.name); give one of them another name")
            }
            devices.append(slot)
        }
        self.devices = devices
        let parameters = try BootParameters(
            memoryMap: memory.e820, commandLine: Self.commandLine(configuration.commandLine, devices))
        self.boot = boot.adding(tables: BootTables.pieces(for: boot.protocol, parameters: parameters))
    }

    /// What a person gave, and where the virtio devices are, as a guest finds them by it (Linux,
    /// Documentation/admin-guide/kernel-parameters.txt, virtio_mmio.device).
    static func commandLine(_ text: String, _ devices: [DeviceSlot]) -> String {
        var words = text.isEmpty ? [] : [text]
        for slot in devices {
            guard case .virtio = slot.kind, case .memory(let range)? = slot.ranges.first, let gsi = slot.gsi else {
                continue
            }
            words.append("virtio_mmio.device=4K@\(hex(range.lowerBound)):\(gsi)")
        }
        return words.joined(separator: " ")
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

    private static func interruptControllers(
        _ configuration: MachineConfiguration, _ boot: BootProtocol, _ host: HostLimits
    ) throws(VMMError) -> InterruptControllers {
        let count = configuration.vcpuCount
        let limit = min(VirtualMachine.vcpuLimit, host.vcpuCount)
        guard (1...max(1, limit)).contains(count) else {
            throw .configuration("\(count) vCPUs are not to be had; this host's KVM gives a machine 1 to \(limit)")
        }
        switch configuration.interruptControllers {
        case .none where count > 1:
            throw .configuration(
                "\(count) vCPUs need interrupt controllers, by which the first starts the others; ask for full ones or for one vCPU"
            )
        case .auto: return boot.interruptControllers(vcpuCount: count)
        case .none, .split, .full: return configuration.interruptControllers
        }
    }

    /// What every machine has.
    static let platform: [DeviceSlot] = [
        DeviceSlot(name: "keyboard", ranges: [.ports(Ports.keyboardData), .ports(Ports.keyboardCommand)]),
        DeviceSlot(name: "cmos", ranges: [.ports(Ports.cmos)]),
        DeviceSlot(name: "post", ranges: [.ports(Ports.postCode)]),
        DeviceSlot(name: "systemControl", ranges: [.ports(Ports.systemControl)]),
        DeviceSlot(name: "debug", ranges: [.ports(Ports.debugConsole)]),
        DeviceSlot(name: "debugExit", ranges: [.ports(Ports.debugExit)]),
        DeviceSlot(name: "plainExit", ranges: [.ports(Ports.plainExit)]),
        DeviceSlot(name: "hypercall", ranges: [.ports(Ports.hypercall)]),
        DeviceSlot(name: "powerOff", ranges: [.ports(Ports.powerOff)]),
        DeviceSlot(name: "resetControl", ranges: [.ports(Ports.resetControl)]),
    ]
}
