/// A machine as a file describes it: what of a ``MachineConfiguration`` is no program's own. The keys of the file are the names that are
/// read and written here.
package struct MachineDescription: Equatable, Sendable {
    package struct Module: Equatable, Sendable {
        package var path: String
        package var arguments = ""

        package init(path: String, arguments: String = "") {
            (self.path, self.arguments) = (path, arguments)
        }
    }

    package enum Device: Equatable, Sendable {
        case serial(UARTConfiguration.Port, coalescing: Bool)
        case virtioConsole(ports: [String])
        case disk(path: String, readOnly: Bool)
        case rng
    }

    /// Nil where the file leaves it open.
    package var image: String?
    package var format: ImageFormat?
    package var mode: CPUMode?
    package var placement = FlatPlacement()
    /// In bytes.
    package var memory: UInt64?
    package var modules: [Module] = []
    package var vcpus = 1
    package var commandLine = ""
    package var interruptControllers = InterruptControllers.auto
    package var devices = [Device.serial(.com1, coalescing: true)]
    package var eventfds = true
    /// In seconds.
    package var timeout: Double?

    package init() {}
}

extension MachineDescription: Decodable {
    /// - Throws: ``ConfigurationFaults`` with all that is wrong, or what the decoder throws for what is none of its format.
    package init(from decoder: any Decoder) throws {
        try self.init(try DescribedValue(from: decoder))
    }

    /// - Throws: all that is wrong.
    package init(_ value: DescribedValue) throws(ConfigurationFaults) {
        guard case .object(let members) = value else {
            throw ConfigurationFaults(faults: [
                ConfigurationFault(
                    key: "",
                    error: .configuration("it describes no machine; give an object, as {\"image\": \"guest.elf\"}"))
            ])
        }
        var object = DescribedObject(members, at: "")
        self.init(&object)
        object.end()
        try object.faults.end()
    }

    private init(_ object: inout DescribedObject) {
        self.init()
        image = object.read("image", "the path of a file") { value in
            DescribedObject.text(value).flatMap { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 }
        }
        format = object.choice("format")
        mode = object.choice("mode")
        placement.load = object.place("load")
        placement.entry = object.place("entry")
        memory = object.read("memory", "an amount of memory; give bytes, or text with K, M, G or T, as \"64M\"") {
            (value) throws(VMMError) in
            switch value {
            case .number(let bytes): bytes
            case .text(let text): try TextValue.memory(text)
            default: nil
            }
        }
        modules =
            object.readObjects("modules", "a list of objects, as [{\"path\": \"initrd.img\"}]") { module in
                let path = module.path("path")
                let arguments = module.text("arguments") ?? ""
                return path.map { Module(path: $0, arguments: arguments) }
            } ?? modules
        vcpus =
            object.read("vcpus", "a number of vCPUs; give 1 to \(VirtualMachine.vcpuLimit)") { value in
                if case .number(let count) = value { Int(exactly: count) } else { nil }
            } ?? vcpus
        commandLine = object.text("commandLine") ?? commandLine
        interruptControllers = object.choice("interruptControllers") ?? interruptControllers
        devices =
            object.readObjects("devices", "a list of objects, as [{\"kind\": \"serial\"}]") { Device(&$0) } ?? devices
        eventfds = object.truth("eventfds") ?? eventfds
        timeout = object.read("timeout", "") { (value) throws(VMMError) in try TextValue.seconds(value.double) }
    }
}

extension MachineDescription.Device {
    private enum Kind: String, CaseIterable {
        case serial
        case virtioConsole = "virtio-console"
        case disk
        case rng
    }

    fileprivate init?(_ object: inout DescribedObject) {
        let kinds = Kind.allCases.map(\.rawValue)
        let kind = object.require("kind", "one of \(kinds.joined(separator: ", "))") { (value) throws(VMMError) in
            if case .text(let text) = value { try TextValue.choice(text) as Kind } else { nil }
        }
        switch kind {
        case nil:
            // What the others mean nobody knows.
            object.ignoreRest()
            return nil
        case .serial:
            let port: UARTConfiguration.Port = object.choice("port") ?? .com1
            self = .serial(port, coalescing: object.truth("coalescing") ?? true)
        case .virtioConsole:
            let ports = object.read("ports", "a list of names, as [\"log\"]") { (value) -> [String]? in
                guard case .list(let list) = value else { return nil }
                let names = list.compactMap(DescribedObject.text)
                return names.count == list.count ? names : nil
            }
            self = .virtioConsole(ports: ports ?? [])
        case .disk:
            let path = object.path("path")
            let isReadOnly = object.truth("readOnly") ?? false
            guard let path else { return nil }
            self = .disk(path: path, readOnly: isReadOnly)
        case .rng: self = .rng
        }
    }

    fileprivate var value: DescribedValue {
        switch self {
        case .serial(let port, let coalescing):
            .described(
                Kind.serial.rawValue, ["port": .text(port.rawValue), "coalescing": coalescing ? nil : .truth(false)])
        case .virtioConsole(let ports):
            .described(
                Kind.virtioConsole.rawValue, ["ports": ports.isEmpty ? nil : .list(ports.map(DescribedValue.text))])
        case .disk(let path, let readOnly):
            .described(Kind.disk.rawValue, ["path": .text(path), "readOnly": readOnly ? .truth(true) : nil])
        case .rng: .described(Kind.rng.rawValue, [:])
        }
    }
}

extension DescribedValue {
    /// A device; members that are nil are left out.
    fileprivate static func described(_ kind: String, _ members: [String: DescribedValue?]) -> DescribedValue {
        .object(members.compactMapValues(\.self).merging(["kind": .text(kind)]) { first, _ in first })
    }
}

extension MachineDescription: Encodable {
    /// What is as without it is left out, but for the devices.
    package func encode(to encoder: any Encoder) throws {
        let plain = MachineDescription()
        let members: [String: DescribedValue?] = [
            "image": image.map(DescribedValue.text),
            "format": (format?.rawValue).map(DescribedValue.text),
            "mode": (mode?.rawValue).map(DescribedValue.text),
            "load": (placement.load?.description).map(DescribedValue.text),
            "entry": (placement.entry?.description).map(DescribedValue.text),
            "memory": memory.map { .text(TextValue.text(ofMemory: $0)) },
            "modules": modules.isEmpty ? nil : .list(modules.map(\.value)),
            "vcpus": vcpus == plain.vcpus ? nil : .integer(vcpus),
            "commandLine": commandLine.isEmpty ? nil : .text(commandLine),
            "interruptControllers": interruptControllers == plain.interruptControllers
                ? nil : .text(interruptControllers.rawValue),
            "devices": .list(devices.map(\.value)),
            "eventfds": eventfds ? nil : .truth(false),
            "timeout": timeout.map(DescribedValue.init(_:)),
        ]
        try DescribedValue.object(members.compactMapValues(\.self)).encode(to: encoder)
    }
}

extension MachineDescription.Module {
    fileprivate var value: DescribedValue {
        .object(
            ["path": .text(path), "arguments": arguments.isEmpty ? nil : .text(arguments)].compactMapValues(\.self))
    }
}

extension DescribedValue {
    fileprivate static func integer(_ number: Int) -> DescribedValue {
        number < 0 ? .negative(Int64(number)) : .number(UInt64(number))
    }
}
