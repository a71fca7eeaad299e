import Glibc
import VMM

/// The machine that the options ask for: `run` makes it, `inspect` tells what it would be.
extension RunOptions {
    /// What is wrong with the machine whatever the image is.
    func checkMachine() throws(Failure) {
        try checkStandardInput()
        do throws(VMMError) {
            try VirtioPortConfiguration.check(names: virtioPorts.map(\.name))
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

    /// What the virtio-console is connected to; nil where there is none.
    var virtioEnd: ConsoleEnd? {
        virtioConsole ?? (console == .virtio || !virtioPorts.isEmpty ? .stdio : nil)
    }

    /// The same for the second serial port.
    var serial2End: ConsoleEnd? { serial2 ?? (console == .uart2 ? .stdio : nil) }

    /// The files that the guest is made of: its own, and those that `--initrd` names.
    var guestPaths: [String] { ([image] + initrds.map(Self.modulePath)).map(StandardInput.path) }

    /// A file, or a file and behind the first space what the guest is told of it.
    private static func module(_ text: String) -> BootModule {
        let path = modulePath(text)
        return BootModule(StandardInput.source(path), arguments: String(text.dropFirst(path.count + 1)))
    }

    static func modulePath(_ text: String) -> String {
        // SAFETY: a C string for the length of the call.
        guard let space = text.firstIndex(of: " "), unsafe access(text, F_OK) != 0 else { return text }
        return String(text[..<space])
    }

    /// What the machine is made of, with the ends of its consoles. The order of its devices is decided here.
    func configuration(with lines: ConsoleLines, window: ConsoleWindow? = nil) -> MachineConfiguration {
        var configuration = MachineConfiguration(
            image: StandardInput.source(image),
            // The screen has the terminal to itself.
            output: screen == .terminal ? .discarding() : ConsoleOutput(descriptor: STDOUT_FILENO))
        configuration.format = format
        configuration.mode = mode
        configuration.placement = placement
        configuration.memorySize = memory?.bytes
        configuration.modules = initrds.map { Self.module($0) }
        configuration.vcpuCount = cpus
        configuration.interruptControllers = irqchip
        configuration.measuresExits = report != nil
        configuration.commandLine = cmdline
        configuration.input = lines.keyboard?.input ?? lines.serial.input
        configuration.inputGoesToKeyboard = console == nil && (serial == .stdio || lines.keyboard != nil)
        configuration.usesEventFDs = usesEventFDs
        var serial = UARTConfiguration(
            output: lines.serial.output, input: lines.keyboard == nil ? nil : lines.serial.input)
        serial.coalescesOutput = coalescesSerialOutput
        configuration.devices = [.uart(serial)]
        if let line = lines.serial2 {
            var serial2 = UARTConfiguration(port: .com2, output: line.output, input: line.input)
            serial2.coalescesOutput = coalescesSerialOutput
            configuration.devices.append(.uart(serial2))
        }
        if let line = lines.virtio {
            let ports = zip(virtioPorts, lines.ports).map { port, line in
                VirtioPortConfiguration(name: port.name, output: line.output ?? .discarding(), input: line.input)
            }
            configuration.devices.append(
                .virtioConsole(
                    VirtioConsoleConfiguration(output: line.output, input: line.input, window: window, ports: ports)))
        }
        for disk in disks { configuration.devices.append(.disk(disk.configuration)) }
        if hasRNG { configuration.devices.append(.entropy(EntropyConfiguration())) }
        return configuration
    }
}
