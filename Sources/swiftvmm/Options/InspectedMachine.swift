import ArgumentParser
import Glibc
import LinuxHost
import SystemPackage
import VMM

/// Of the options of `run`, those that the machine's plan depends on, for `inspect`. Nothing that they name is opened.
struct InspectedMachine: ParsableArguments {
    @Option(help: ArgumentHelp("How many vCPUs: 1 unless given.", valueName: "n"), transform: RunCommand.parseCount)
    var cpus: Int?

    @Option(help: ArgumentHelp("Interrupt controllers, without which there are no tables.", valueName: "kind"))
    var irqchip: InterruptControllers?

    @Option(
        help: ArgumentHelp("Adds a second serial port, COM2.", valueName: "end"), transform: ConsoleEnd.parse)
    var serial2: ConsoleEnd?

    @Option(help: ArgumentHelp("Adds a virtio-console.", valueName: "end"), transform: ConsoleEnd.parse)
    var virtioConsole: ConsoleEnd?

    @Option(
        help: ArgumentHelp("Adds a virtio disk; can be given again.", valueName: "file[,ro]"),
        completion: .file(), transform: DiskOption.parse)
    var disk: [DiskOption] = []

    @Flag(help: "Adds a virtio device that gives the guest random bytes.")
    var rng = false

    /// Whether any of them is.
    var isGiven: Bool {
        cpus != nil || irqchip != nil || serial2 != nil || virtioConsole != nil || !disk.isEmpty || rng
    }

    /// In the order that `run` has.
    private var devices: [DeviceConfiguration] {
        var devices: [DeviceConfiguration] = [.uart(UARTConfiguration())]
        if serial2 != nil { devices.append(.uart(UARTConfiguration(port: .com2))) }
        if virtioConsole != nil { devices.append(.virtioConsole(VirtioConsoleConfiguration())) }
        for disk in disk { devices.append(.disk(disk.configuration)) }
        if rng { devices.append(.entropy(EntropyConfiguration())) }
        return devices
    }

    /// Writes each table as `acpidump -b` does: `apic.aml`, `dsdt.aml` and so on.
    func dumpACPI(of plan: MachinePlan, image: String, to folder: String) throws {
        let tables = plan.acpiTables
        guard !tables.isEmpty else {
            throw Failure(
                status: .usage, message: "--dump-acpi has nothing to write for this guest: \(RunOptions.noACPI)")
        }
        // SAFETY: a C string for the length of the call.
        guard unsafe mkdir(folder, 0o777) == 0 || errno == EEXIST else {
            throw Failure(
                status: .outputFailed, message: "cannot make the folder \(folder) for --dump-acpi: \(Errno.current)")
        }
        // The first is the pointer to them, and no table.
        for table in tables.dropFirst() {
            guard case .bytes(let bytes) = table.content else { continue }
            let name = String(decoding: bytes.prefix(4), as: UTF8.self).lowercased()
            try OutputFile(
                path: "\(folder)/\(name).aml", option: "--dump-acpi", content: "ACPI table", guests: [image]
            ).write(bytes)
        }
    }

    /// What `run` would make of them and the image.
    func plan(_ inspection: ImageInspection, image: String, memory: MemorySize?) throws -> MachinePlan {
        var configuration = MachineConfiguration(image: .file(image))
        configuration.memorySize = memory?.bytes
        configuration.vcpuCount = cpus ?? 1
        configuration.interruptControllers = irqchip ?? .auto
        configuration.devices = devices
        do throws(VMMError) { return try MachinePlan(configuration, image: inspection) } catch {
            throw Failure(status: ExitStatus(error), message: error.words)
        }
    }
}
