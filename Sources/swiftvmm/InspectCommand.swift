import ArgumentParser
import FoundationEssentials
import Glibc
import LinuxHost
import SystemPackage
import VMM

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        _superCommandName: RootCommand.name,
        abstract: "Tells what a loader sees in an image, without running it.",
        usage:
            "\(RootCommand.name) inspect <image> [<options>]\n       \(RootCommand.name) inspect --config <file> [<image>] [<options>]",
        discussion: """
            The lines tell the image's format, what its headers say, and what swiftvmm run would do with it. No KVM is needed.

            Status: 0 when run would boot the image; 64 bad usage; 66 when it would refuse the image: then the lines tell what \
            could be read, and the last line on standard error is the reason that run gives; 74 output closed or full, or the \
            tables cannot be written.
            """,
        version: RootCommand.version)

    @OptionGroup var machine: MachineArguments

    @Option(
        help: ArgumentHelp(
            "Writes the ACPI tables that the guest would find to this folder, a file for each.", valueName: "folder"),
        completion: .directory)
    var dumpAcpi: String?

    @Flag(help: "Also tells what machine the image would run on: memory, devices, and the tables that the guest finds.")
    var plan = false

    @Flag(help: "Prints the machine that the options ask for as JSON, for --config, and nothing else.")
    var printConfig = false

    func validate() throws {
        guard dumpAcpi != nil || plan || printConfig || !machine.areBesideImage else {
            throw ValidationError(
                "the options of the machine are for what --plan shows, --dump-acpi writes and --print-config prints; give one of these too, or leave them out"
            )
        }
        let others = [(plan, "--plan"), (dumpAcpi != nil, "--dump-acpi")].filter(\.0).map(\.1)
        if printConfig, !others.isEmpty {
            throw ValidationError(
                "--print-config prints the machine and nothing else; leave \(others.joined(separator: " and ")) out, or ask for it by itself"
            )
        }
    }

    func run() throws {
        let options = try RunOptions.layered { try machine.options(for: Self._commandName, over: $0) }
        guard let options else { return }
        try options.checkMachine()
        if printConfig { return try printConfig(of: options) }
        let inspection: ImageInspection
        do throws(VMMError) {
            inspection = try ImageInspection(
                StandardInput.source(options.image), format: options.format, mode: options.mode,
                placement: options.placement, memorySize: options.memory)
        } catch {
            throw options.failure(error)
        }
        try answer(ImageDescription(inspection).text)
        if case .failure(let error) = inspection.outcome { throw options.failure(error) }
        guard plan || dumpAcpi != nil else { return }
        let machinePlan: MachinePlan
        do throws(VMMError) {
            machinePlan = try MachinePlan(
                options.configuration(with: ConsoleLines(unopenedFor: options)), image: inspection)
        } catch {
            throw options.failure(error)
        }
        if plan { try answer(PlanDescription(machinePlan).text) }
        for note in options.notes(on: machinePlan) { StandardStreams.say(note) }
        if let dumpAcpi { try dumpACPI(of: machinePlan, to: dumpAcpi, for: options) }
    }

    /// Writes each table as `acpidump -b` does: `apic.aml`, `dsdt.aml` and so on.
    private func dumpACPI(of plan: MachinePlan, to folder: String, for options: RunOptions) throws {
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
            let path = "\(folder)/\(name).aml"
            guard options.config.map({ OutputFile.areSame(path, $0) }) != true else {
                throw Failure(
                    status: .usage,
                    message:
                        "the table \(path) of --dump-acpi would replace the file of --config; name another folder")
            }
            try OutputFile(
                path: path, option: "--dump-acpi", content: "ACPI table", guests: options.guestPaths
            ).write(bytes)
        }
    }

    private func printConfig(of options: RunOptions) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let machine = options.configuration(with: ConsoleLines(unopenedFor: options))
        do {
            try machine.validate(readsFiles: false)
            try answer(String(decoding: encoder.encode(machine), as: UTF8.self))
        } catch let faults as ConfigurationFaults {
            throw Failure(faults.faults.map(\.error.words), of: "--print-config")
        } catch EncodingError.invalidValue(_, let context) {
            throw Failure(status: .usage, message: "--print-config: \(context.debugDescription)")
        }
        let ends = options.undescribedEnds
        if !ends.isEmpty {
            StandardStreams.say(
                "a file does not say what consoles are connected to; give these beside --config: \(ends.joined(separator: ", "))"
            )
        }
    }

    private func answer(_ text: String) throws {
        guard StandardStreams.answer(text) else {
            throw Failure(status: .outputFailed, message: "cannot write to standard output")
        }
    }
}
