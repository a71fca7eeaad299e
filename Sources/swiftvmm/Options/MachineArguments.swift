import ArgumentParser
import VMM

extension CPUMode: ExpressibleByArgument {}
extension ImageFormat: ExpressibleByArgument {}
extension InterruptControllers: ExpressibleByArgument {}

/// What the parser knows of the options that a machine's plan depends on, which `run` and `inspect` have. What they ask for is read by
/// ``RunWords``.
struct MachineArguments: ParsableArguments {
    @Argument(
        help:
            "The guest: a Linux kernel, a kernel with a Multiboot or PVH header, an ELF executable, a boot sector, or flat machine code; - for standard input.",
        completion: .file())
    var image: String?

    @Option(
        help: ArgumentHelp(
            "Reads the machine from this file, as JSON, with its image and devices; options override what it says, or add to it.",
            valueName: "file"),
        completion: .file())
    var config: String?

    @Option(help: "The mode that a flat image is entered in: real unless given.")
    var mode: CPUMode?

    @Option(help: "The image's format, instead of what its content says.")
    var format: ImageFormat?

    @Option(
        help: ArgumentHelp(
            "Where the first byte of a flat image goes: 0x7C00 in real mode and 0x100000 in others unless given. An address, or in real mode SEGMENT:OFFSET in hexadecimal.",
            valueName: "place"))
    var load: String?

    @Option(
        help: ArgumentHelp(
            "Where a flat image is entered: at its first byte unless given. A place as for --load.", valueName: "place")
    )
    var entry: String?

    @Option(
        help: ArgumentHelp(
            "RAM in bytes, or with K, M, G or T, 1M at least: 64M unless given, 512M for Linux.", valueName: "size"))
    var memory: String?

    @Option(
        help: ArgumentHelp(
            "The initial RAM disk that a Linux kernel is given; for Multiboot and PVH a module, with what it is told behind a space, and can be given again.",
            valueName: "file"),
        completion: .file())
    var initrd: [String] = []

    @Option(
        help: ArgumentHelp(
            "How many vCPUs: 1 unless given. With more the guest has interrupt controllers.", valueName: "n"))
    var cpus: String?

    @Option(
        help: ArgumentHelp(
            "Interrupt controllers: none, split (local ones and an I/O APIC), full (a PC's, with its timer), or auto, which is what the machine needs.",
            valueName: "kind"))
    var irqchip: InterruptControllers?

    @Option(help: ArgumentHelp("The command line that a kernel, or a 64-bit guest, is given.", valueName: "text"))
    var cmdline: String?

    @Option(help: "Which console standard input goes to: the serial port, or a boot sector's keyboard, unless given.")
    var console: ConsoleDevice?

    @Option(
        help: ArgumentHelp(
            "Adds a virtio-console, connected to stdio, null, file:PATH (output only), pty or unix:PATH (a socket); stdio where standard input goes to it.",
            valueName: "end"),
        completion: ConsoleEnd.completion)
    var virtioConsole: String?

    @Option(
        help: ArgumentHelp(
            "Adds a port to the virtio-console, connected to null, file:PATH, pty or unix:PATH; can be given again for up to \(VirtioPortConfiguration.limit) ports. A guest finds it by its name.",
            valueName: "name=end"))
    var virtioPort: [String] = []

    @Option(
        help: ArgumentHelp(
            "Adds a second serial port, COM2, connected as a virtio-console is.",
            valueName: "end"),
        completion: ConsoleEnd.completion)
    var serial2: String?

    @Option(
        help: ArgumentHelp(
            "Adds a virtio disk: a raw file or a block device, with ,ro to only read it; can be given again.",
            valueName: "file[,ro]"),
        completion: .file())
    var disk: [String] = []

    @Flag(help: "Adds a virtio device that gives the guest random bytes.")
    var rng = false

    func validate() throws {
        guard image != nil || config != nil else { throw ValidationError("Missing expected argument '<image>'") }
    }

    /// What is given, by the options' names, each with its values.
    private var given: [(name: String, values: [String])] {
        let values: [(String, [String?])] = [
            ("config", [config]), ("mode", [mode?.rawValue]), ("format", [format?.rawValue]), ("load", [load]),
            ("entry", [entry]), ("memory", [memory]), ("initrd", initrd),
            ("cpus", [cpus]), ("irqchip", [irqchip?.rawValue]), ("cmdline", [cmdline]),
            ("console", [console?.rawValue]),
            ("virtio-console", [virtioConsole]), ("virtio-port", virtioPort), ("serial2", [serial2]), ("disk", disk),
            ("rng", rng ? [""] : []),
        ]
        return values.map { ($0.0, $0.1.compactMap(\.self)) }.filter { !$0.1.isEmpty }
    }

    /// Whether there are any but those that say how the image is loaded.
    var areBesideImage: Bool {
        given.contains { !["config", "mode", "format", "load", "entry", "memory"].contains($0.name) }
    }

    /// What they ask for, as `run` reads them.
    ///
    /// - Parameters:
    ///   - command: that they belong to.
    ///   - base: what is asked for without them.
    /// - Throws: `Failure` for a value that cannot be had.
    func options(for command: String, over base: RunOptions = RunOptions(image: "")) throws -> RunOptions {
        var options = base
        if let image { options.image = image }
        for (name, values) in given {
            for value in values { try RunWords.set(name, to: value, in: &options, for: command) }
        }
        return options
    }
}
