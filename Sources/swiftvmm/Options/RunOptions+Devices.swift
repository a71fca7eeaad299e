import VMM

/// The devices that the options ask for, and what they are connected to. A file that describes the machine has its own, in its order, which
/// options connect, and add to; without one there is a serial port.
extension RunOptions {
    private typealias Device = MachineDescription.Device

    private var describedDevices: [Device] { described?.devices ?? [.serial(.com1, coalescing: true)] }

    private func describes(_ port: UARTConfiguration.Port) -> Bool {
        describedDevices.contains { if case .serial(port, _) = $0 { true } else { false } }
    }

    /// The names of the virtio-console's ports; nil where it is not described.
    private var describedPorts: [String]? {
        for case .virtioConsole(let ports) in describedDevices { return ports }
        return nil
    }

    /// In the machine's order.
    var devices: [MachineDescription.Device] {
        var devices = describedDevices
        if serial != nil || console == .uart, !describes(.com1) { devices.append(.serial(.com1, coalescing: true)) }
        if serial2End != nil, !describes(.com2) { devices.append(.serial(.com2, coalescing: true)) }
        if virtioEnd != nil, describedPorts == nil { devices.append(.virtioConsole(ports: ports.map(\.name))) }
        devices += disks.map { .disk(path: $0.path, readOnly: $0.isReadOnly) }
        if hasRNG, !devices.contains(.rng) { devices.append(.rng) }
        return devices
    }

    /// The file's, and those of options.
    var allDisks: [DiskOption] {
        let described = describedDevices.compactMap { device in
            if case .disk(let path, let readOnly) = device {
                DiskOption(path: path, isReadOnly: readOnly, file: config)
            } else {
                nil
            }
        }
        return described + disks
    }

    /// What the serial port is connected to; where there is none, who else receives standard input.
    var serialEnd: ConsoleEnd { serial ?? .stdio }

    /// The same for the second serial port; nil where there is none.
    var serial2End: ConsoleEnd? { serial2 ?? (console == .uart2 || describes(.com2) ? .stdio : nil) }

    /// The same for the virtio-console.
    var virtioEnd: ConsoleEnd? {
        let isThere = console == .virtio || !virtioPorts.isEmpty || describedPorts != nil
        return virtioConsole ?? (isThere ? .stdio : nil)
    }

    /// The options that connect consoles otherwise than they are when a file alone describes them.
    var undescribedEnds: [String] {
        let consoles = [("--serial2", serial2), ("--virtio-console", virtioConsole)]
        return (console.map { ["--console \($0.rawValue)"] } ?? [])
            + consoles.filter { $0.1 != nil && $0.1 != .stdio }.map(\.0)
            + ports.filter { $0.end != .null }.map { "--virtio-port \($0.name)" }
    }

    /// The virtio-console's ports: the file's, connected to nothing unless an option says to what, and those that options add.
    var ports: [VirtioPort] {
        var ports = (describedPorts ?? []).map { VirtioPort(name: $0, end: .null) }
        var open = Set(ports.map(\.name))
        for port in virtioPorts {
            if open.remove(port.name) != nil, let index = ports.firstIndex(where: { $0.name == port.name }) {
                ports[index] = port
            } else {
                ports.append(port)
            }
        }
        return ports
    }
}
