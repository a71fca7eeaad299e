import ArgumentParser
import VMM

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        _superCommandName: RootCommand.name,
        abstract: "Tells what a loader sees in an image, without running it.",
        discussion: """
            The lines tell the image's format, what its headers say, and what swiftvmm run would do with it. No KVM is needed.

            Status: 0 when run would boot the image; 64 bad usage; 66 when it would refuse the image: then the lines tell what \
            could be read, and the last line on standard error is the reason that run gives; 74 output closed or full, or the \
            tables cannot be written.
            """,
        version: RootCommand.version)

    @Argument(
        help:
            "The guest: a Linux kernel, a kernel with a Multiboot or PVH header, an ELF executable, or flat machine code.",
        completion: .file())
    var image: String

    @Option(help: "The mode that a flat image is entered in: real unless given.")
    var mode: CPUMode?

    @Option(help: "The image's format, instead of what its content says.")
    var format: ImageFormat?

    @Option(
        help: ArgumentHelp(
            "RAM of the machine that it is for, in bytes, or with K, M, G or T: 64M unless given, 512M for Linux.",
            valueName: "size"),
        transform: MemorySize.parse)
    var memory: MemorySize?

    @Option(
        help: ArgumentHelp(
            "Writes the ACPI tables that the guest would find to this folder, a file for each.", valueName: "folder"),
        completion: .directory)
    var dumpAcpi: String?

    @Flag(help: "Also tells what machine the image would run on: memory, devices, and the tables that the guest finds.")
    var plan = false

    @OptionGroup(title: "The machine that the plan and the tables are for, as run has it")
    var machine: InspectedMachine

    func validate() throws {
        guard dumpAcpi != nil || plan || !machine.isGiven else {
            throw ValidationError(
                "the options of the machine are for what --plan shows and --dump-acpi writes; give one of these too, or leave them out"
            )
        }
    }

    func run() throws {
        let inspection: ImageInspection
        do throws(VMMError) {
            inspection = try ImageInspection(.file(image), format: format, mode: mode, memorySize: memory?.bytes)
        } catch {
            throw Failure(status: ExitStatus(error), message: error.words)
        }
        try answer(ImageDescription(inspection).text)
        if case .failure(let error) = inspection.outcome {
            throw Failure(status: ExitStatus(error), message: error.words)
        }
        guard plan || dumpAcpi != nil else { return }
        let machinePlan = try machine.plan(inspection, image: image, memory: memory)
        if plan { try answer(PlanDescription(machinePlan).text) }
        if let dumpAcpi { try machine.dumpACPI(of: machinePlan, image: image, to: dumpAcpi) }
    }

    private func answer(_ text: String) throws {
        guard StandardStreams.answer(text) else {
            throw Failure(status: .outputFailed, message: "cannot write to standard output")
        }
    }
}
