extension MachineConfiguration {
    /// - Parameter image: instead of the one that the description may name.
    package init(_ description: MachineDescription, image: ImageSource) {
        self.init(image: image)
        format = description.format
        mode = description.mode
        placement = description.placement
        modules = description.modules.map { BootModule(.file($0.path), arguments: $0.arguments) }
        memorySize = description.memory
        vcpuCount = description.vcpus
        commandLine = description.commandLine
        interruptControllers = description.interruptControllers
        devices = description.devices.map(\.configuration)
        usesEventFDs = description.eventfds
        timeout = description.timeout.map { .seconds($0) }
    }

    /// - Throws: `EncodingError` for what no file can describe.
    private func description(_ path: [any CodingKey]) throws -> MachineDescription {
        func refuse(_ value: Any, _ what: String) -> EncodingError {
            .invalidValue(
                value,
                EncodingError.Context(
                    codingPath: path,
                    debugDescription: "\(what) belongs to this program, and no file can describe it; leave it out"))
        }
        func file(_ source: ImageSource) throws -> String {
            guard case .file(let path) = source else { throw refuse(source, source.name) }
            return path
        }
        if let shared = sharedMemory.first { throw refuse(shared, "shared memory") }
        if let adjustState { throw refuse(adjustState, "a function that changes the guest's first state") }
        var description = MachineDescription()
        description.image = try file(image)
        description.format = format
        description.mode = mode
        description.placement = placement
        description.modules = try modules.map { .init(path: try file($0.source), arguments: $0.arguments) }
        description.memory = memorySize
        description.vcpus = vcpuCount
        description.commandLine = commandLine
        description.interruptControllers = interruptControllers
        description.devices = try devices.map { device in
            switch device {
            case .uart(let serial): .serial(serial.port, coalescing: serial.coalescesOutput)
            case .virtioConsole(let console): .virtioConsole(ports: console.ports.map(\.name))
            case .disk(let disk): .disk(path: disk.path, readOnly: disk.isReadOnly)
            case .entropy: .rng
            default: throw refuse(device, "the device \(device.description.slotRequest.name)")
            }
        }
        description.eventfds = usesEventFDs
        description.timeout = timeout.map { $0 / .seconds(1) }
        return description
    }
}

/// What is encoded is the machine: image, format, mode and placement, modules, memory, vCPUs, command line, interrupt controllers, devices,
/// event fds and the time that it may run. What belongs to the program around it is not: consoles' outputs and inputs, the screen, the trace, ``control``,
/// ``deadline``, ``attachments``, and what is to be measured or called. What comes of a file has the defaults for these.
///
/// As JSON it is what `swiftvmm run --config` takes; `docs/cli.md` lists the keys. What has its default may be left out, but for the image;
/// paths are taken as they stand there.
extension MachineConfiguration: Codable {
    /// - Throws: ``ConfigurationFaults`` with every key that is not known, missing, or has a value that it cannot have; what the decoder
    ///   throws where the data are none of its format.
    public init(from decoder: any Decoder) throws {
        let description = try MachineDescription(from: decoder)
        guard let image = description.image else {
            let words = VMMError.configuration("it is missing; give the path of the guest")
            throw ConfigurationFaults(faults: [ConfigurationFault(key: "image", error: words)])
        }
        self.init(description, image: .file(image))
    }

    /// - Throws: `EncodingError` for what cannot be described: an image or a module of bytes or of an open descriptor, shared memory,
    ///   ``adjustState``, and devices of a program's own.
    public func encode(to encoder: any Encoder) throws {
        try description(encoder.codingPath).encode(to: encoder)
    }
}

extension MachineDescription.Device {
    fileprivate var configuration: DeviceConfiguration {
        switch self {
        case .serial(let port, let coalescing):
            var serial = UARTConfiguration(port: port)
            serial.coalescesOutput = coalescing
            return .uart(serial)
        case .virtioConsole(let ports):
            return .virtioConsole(VirtioConsoleConfiguration(ports: ports.map { VirtioPortConfiguration(name: $0) }))
        case .disk(let path, let readOnly): return .disk(DiskConfiguration(path: path, isReadOnly: readOnly))
        case .rng: return .entropy(EntropyConfiguration())
        }
    }
}
