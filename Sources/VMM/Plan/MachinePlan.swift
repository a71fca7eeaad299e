import DeviceModel

/// What a host's KVM gives a machine at most.
struct HostLimits: Equatable, Sendable {
    let physicalAddressBits: Int
    let vcpuCount: Int
    /// Of the local APICs.
    var hasDeadlineTimer = false

    /// Those of a host that has enough of everything.
    static let most = HostLimits(
        physicalAddressBits: HighMemory.widestAddress, vcpuCount: VirtualMachine.vcpuLimit)
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
    /// What tells of exceptions that nobody handles, without what the image lies in the place of.
    let gates: [ReportingGates]
    /// What the guest looks for and does not find, because of its image.
    public let coveredTables: [CoveredTables]
    /// How many bytes are behind an image that gzip packed, in its file.
    public let ignoredBytes: UInt64
    /// As the guest is told it; empty where it is told none.
    public let commandLine: String

    /// The devices of the configuration begin here in ``devices``.
    static let firstConfigured = platform.count

    /// - Parameter modules: the size in bytes of each of the configuration's modules.
    /// - Throws: `VMMError.configuration` for what cannot be had, `.image` for an image that is refused.
    init(
        _ configuration: MachineConfiguration, image: ImageInspection, modules: [UInt64] = [], host: HostLimits
    ) throws(VMMError) {
        _ = try image.outcome.get()
        var faults = FaultList()
        let plan = MachinePlan(configuration, image, modules: modules, host: host, &faults)
        if let fault = faults.faults.first { throw fault.error }
        guard let plan else { throw .fault("a machine without a fault has no plan") }
        self = plan
    }

    /// - Parameters:
    ///   - image: nil where nothing is known of it.
    ///   - modules: nil where a size is not known.
    ///   - faults: gets all that is wrong, but with the image itself.
    /// - Returns: nil where anything is, or is not known.
    init?(
        _ configuration: MachineConfiguration, _ image: ImageInspection?, modules: [UInt64]?, host: HostLimits,
        _ faults: inout FaultList
    ) {
        let boot = try? image?.outcome.get()
        let outline = MachineOutline(configuration, boot?.protocol, image?.format, host, &faults)
        guard let image, let boot, let memory = outline.memory else { return nil }
        self.memory = memory
        ignoredBytes = image.packing?.ignored ?? 0
        (vcpuCount, interrupts, devices) = (outline.vcpuCount, outline.interrupts, outline.devices)
        for (number, shared) in configuration.sharedMemory.enumerated() {
            let key = "sharedMemory[\(number)]"
            // What is no RAM for the guest is wrong enough.
            guard !faults.faults.contains(where: { $0.key == key }) else { continue }
            let (end, wraps) = shared.address.addingReportingOverflow(UInt64(max(0, shared.byteCount)))
            let range = shared.address..<(wraps ? .max : end)
            guard boot.pieces.contains(where: { range.overlaps($0.address..<$0.address &+ $0.memorySize) }) else {
                continue
            }
            let words = "the shared memory at \(hex(shared.address)) lies over the image; put it elsewhere"
            faults.add(key, .configuration(words))
        }
        let gates = boot.protocol.gates.map { (gates: $0, pieces: $0.pieces) }.filter { gates in
            !gates.pieces.contains { boot.part(over: $0) != nil }
        }
        self.gates = gates.map(\.gates)
        let firmware = FirmwareTables(vcpuCount: vcpuCount, interrupts: interrupts, devices: devices, boot: boot)
        coveredTables = firmware.covered
        var free = FreeMemory(memory, without: boot.pieces + firmware.pieces)
        let placed = faults.check("modules") { () throws(VMMError) in
            try Self.place(modules ?? [], of: configuration, for: boot.protocol, in: memory, &free)
        }
        let commandLine = KernelCommandLine.text(
            configuration.commandLine, boot.protocol, devices,
            inputGoesToVirtio: configuration.devices.contains(where: \.isVirtioConsoleWithInput))
        self.commandLine = boot.protocol.takesCommandLine ? commandLine : ""
        let information = BootInformation(
            imageName: configuration.image.fileName,
            memoryMap: memory.e820,
            commandLine: commandLine,
            modules: zip(placed ?? [], configuration.modules).map {
                BootInformation.Module(
                    start: $0.address, size: $0.memorySize, name: $1.source.fileName, arguments: $1.arguments)
            },
            rsdp: firmware.rsdp, rsdpBytes: firmware.rsdpBytes)
        // Most of what can be wrong with them is a command line that is too long.
        let tables = faults.check("commandLine") { () throws(VMMError) in
            try BootTables.pieces(for: boot.protocol, information, &free)
        }
        guard faults.faults.isEmpty, modules != nil, let placed, let tables else { return nil }
        self.boot = boot.adding(placed + tables + gates.flatMap(\.pieces) + firmware.pieces)
    }

    /// Finds each module a place, as the boot protocol wants it.
    private static func place(
        _ sizes: [UInt64], of configuration: MachineConfiguration, for boot: BootProtocol, in memory: MemoryMap,
        _ free: inout FreeMemory
    ) throws(VMMError) -> [BootPlan.Piece] {
        guard !sizes.isEmpty else { return [] }
        guard let placement = boot.modulePlacement, sizes.count <= boot.moduleLimit else {
            let words =
                switch boot.moduleLimit {
                case 0: "this image's boot protocol hands over no other file; leave the initrd out"
                case 1:
                    "this image takes one initrd, and \(sizes.count) are given; put them into one file, one after the other"
                case let limit: "this image takes \(limit) modules, and \(sizes.count) are given; give fewer"
                }
            throw .configuration(words)
        }
        if case .linux = boot, let module = configuration.modules.first(where: { !$0.arguments.isEmpty }) {
            throw .configuration(
                "Linux is told nothing of its initrd, and this has arguments: \(module.arguments); put them on the command line"
            )
        }
        var pieces: [BootPlan.Piece] = []
        for (number, size) in sizes.enumerated() {
            guard let place = free.take(size, placement) else {
                throw .configuration(noRoom(for: size, boot, memory))
            }
            pieces.append(BootPlan.Piece(module: number, size: size, at: place))
        }
        return pieces
    }

    /// More memory helps only where what there is ends below the last place that the file could have.
    private static func noRoom(for size: UInt64, _ boot: BootProtocol, _ memory: MemoryMap) -> String {
        var (end, field) = (HighMemory.deviceHole.lowerBound, "")
        if case .linux(let kernel) = boot, kernel.initrdEnd < end {
            (end, field) = (kernel.initrdEnd, " (initrd_addr_max in its header)")
        }
        guard end > 1 else {
            return "this kernel takes no initrd (initrd_addr_max in its header is 0); leave the initrd out"
        }
        let file = "there is no room for the file of \(size) bytes"
        guard memory.size >= end else { return "\(file) beside the image; give the machine more memory" }
        return "\(file) below \(hex(end)), where the kernel takes it\(field); give a smaller one"
    }

    /// What every machine has.
    static let platform: [DeviceSlot] = [
        DeviceSlot(name: "keyboard", ranges: [.ports(Ports.keyboardData), .ports(Ports.keyboardCommand)]),
        DeviceSlot(name: "cmos", ranges: [.ports(Ports.cmos)]),
        DeviceSlot(name: "post", ranges: [.ports(Ports.postCode)]),
        DeviceSlot(name: "systemControl", ranges: [.ports(Ports.systemControl)]),
        DeviceSlot(name: "screen", ranges: [.ports(Ports.screenController), .ports(Ports.screenStatus)]),
        DeviceSlot(name: "debug", ranges: [.ports(Ports.debugConsole)]),
        DeviceSlot(name: "debugExit", ranges: [.ports(Ports.debugExit)]),
        DeviceSlot(name: "plainExit", ranges: [.ports(Ports.plainExit)]),
        DeviceSlot(name: "hypercall", ranges: [.ports(Ports.hypercall)]),
        DeviceSlot(name: "panic", ranges: [.ports(Ports.panic)]),
        DeviceSlot(name: "powerManagement", ranges: [.ports(Ports.powerManagement)], gsi: GSI.sci),
        DeviceSlot(name: "pci", ranges: [.ports(Ports.pciConfiguration)]),
    ]
}

extension MachinePlan {
    /// What a machine would be on a host that has enough of everything. Of the files that it is given its modules are opened, for their
    /// size.
    ///
    /// - Throws: `VMMError.configuration` for what cannot be had anywhere, `.image` for an image that is refused, `.module` for a module
    ///   that cannot be opened.
    public init(_ configuration: MachineConfiguration, image: ImageInspection) throws(VMMError) {
        let modules = try configuration.openModules()
        try self.init(configuration, image: image, modules: modules.map(\.size), host: .most)
    }
}
