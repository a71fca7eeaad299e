import Glibc
import VMM

/// The machine that the options ask for: `run` makes it, `inspect` tells what it would be.
extension RunOptions {
    /// What is wrong with the machine whatever the image is.
    func checkMachine() throws(Failure) {
        try checkStandardInput()
        do throws(VMMError) {
            try VirtioPortConfiguration.check(names: ports.map(\.name))
        } catch {
            throw Failure(status: .usage, message: "\(error)")
        }
        // A console that was named to have standard input must have it.
        let ends = [(ConsoleDevice.uart2, serial2), (.virtio, virtioConsole)]
        for (device, end) in ends where device == console && end != nil && end != .stdio {
            throw Failure(
                status: .usage,
                message:
                    "--console gives the \(device.label.name) standard input, and \(device.label.option)connects it elsewhere; leave one of them out"
            )
        }
    }

    /// The files that the guest is made of: its own, and those that `--initrd` names.
    var guestPaths: [String] { ([image] + initrds.map(\.path)).map(StandardInput.path) }

    /// What the machine is made of, with the ends of its consoles. The order of its devices is decided here.
    func configuration(with lines: ConsoleLines, window: ConsoleWindow? = nil) -> MachineConfiguration {
        var configuration = MachineConfiguration(
            image: StandardInput.source(image),
            // The screen has the terminal to itself.
            output: screen == .terminal ? .discarding() : ConsoleOutput(descriptor: STDOUT_FILENO))
        configuration.format = format
        configuration.mode = mode
        configuration.placement = placement
        configuration.memorySize = memory
        configuration.modules = initrds.map(\.module)
        configuration.vcpuCount = cpus
        configuration.interruptControllers = irqchip
        configuration.measuresExits = report != nil
        configuration.commandLine = cmdline
        configuration.input = lines.keyboard?.input ?? lines.serial.input
        configuration.inputGoesToKeyboard = console == nil && (serialEnd == .stdio || lines.keyboard != nil)
        configuration.usesEventFDs = usesEventFDs
        configuration.devices = devices.compactMap { device(for: $0, lines, window) }
        return configuration
    }

    /// - Returns: nil for a console that has no end, which is none of these options'.
    private func device(
        for device: MachineDescription.Device, _ lines: ConsoleLines, _ window: ConsoleWindow?
    ) -> DeviceConfiguration? {
        switch device {
        case .serial(let port, let coalescing):
            guard let line = port == .com1 ? lines.serial : lines.serial2 else { return nil }
            // The keyboard's, or the machine's, which the first port shares with the doorbell.
            let isMachines = port == .com1 && lines.keyboard == nil
            var serial = UARTConfiguration(port: port, output: line.output, input: isMachines ? nil : line.input)
            serial.coalescesOutput = coalescing && coalescesSerialOutput
            return .uart(serial)
        case .virtioConsole:
            guard let line = lines.virtio else { return nil }
            let ports = zip(ports, lines.ports).map { port, line in
                VirtioPortConfiguration(name: port.name, output: line.output ?? .discarding(), input: line.input)
            }
            return .virtioConsole(
                VirtioConsoleConfiguration(output: line.output, input: line.input, window: window, ports: ports))
        case .disk(let path, let readOnly): return .disk(DiskConfiguration(path: path, isReadOnly: readOnly))
        case .rng: return .entropy(EntropyConfiguration())
        }
    }
}
