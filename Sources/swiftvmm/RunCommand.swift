import ArgumentParser
import VMM

extension CPUMode: ExpressibleByArgument {}
extension ImageFormat: ExpressibleByArgument {}
extension InterruptControllers: ExpressibleByArgument {}

/// What the parser knows of `run`: for help, completion, the manual page, and for messages where the words are wrong. What they ask for is
/// read by ``RunWords``.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: RunOptions.command,
        _superCommandName: RootCommand.name,
        abstract: "Boots a guest and runs it until it ends.",
        usage: "\(RootCommand.name) \(RunOptions.command) <image> [<options>]",
        discussion: """
            What the guest prints is standard output; standard input is its serial port's, or its virtio-console's. Everything \
            swiftvmm says goes to standard error, and the last line there names the cause when the status is not 0.

            On a terminal each key goes to the guest as it is, Ctrl-C too, but for commands: Ctrl-A x ends the run, Ctrl-A a \
            sends Ctrl-A, Ctrl-A h shows help.

            Status: the guest's own when it uses an exit port; 0 when it halts, powers off or resets; 64 bad usage; 66 the \
            image cannot be booted; 69 no usable KVM; 70 a fault of swiftvmm; 74 output closed or full; 124 the deadline \
            passed; 125 the guest failed; 129, 130 and 143 ended by SIGHUP, SIGINT and SIGTERM; 130 also by Ctrl-A x.
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
        help: ArgumentHelp("Ends the run after so many seconds, with status 124.", valueName: "seconds"))
    var timeout: String?

    @Option(
        help: ArgumentHelp(
            "Has SIGTERM press the guest's power button, and end the run only so many seconds later.",
            valueName: "seconds"))
    var grace: String?

    @Option(
        help: ArgumentHelp(
            "Makes every end but this one a failure, with status 125, and this one a success: \(Expectation.words.joined(separator: ", ")), or an exit port's status. Only exited leaves the status as it is.",
            valueName: "end"),
        completion: .list(Expectation.words))
    var expect: String?

    @Option(
        help: ArgumentHelp(
            "Makes this status, where the guest ends with it by an exit port, a 0: 33 where QEMU's port got 16.",
            valueName: "status"))
    var successStatus: String?

    @Option(
        help: ArgumentHelp(
            "Interrupt controllers: none, split (local ones and an I/O APIC), full (a PC's, with its timer), or auto, which is what the machine needs.",
            valueName: "kind"))
    var irqchip: InterruptControllers?

    @Flag(help: "Makes each byte that the guest writes to the serial port an exit of its own.")
    var noCoalescing = false

    @Option(help: ArgumentHelp("The command line that a kernel, or a 64-bit guest, is given.", valueName: "text"))
    var cmdline: String?

    @Option(
        help: ArgumentHelp(
            "What the serial port is connected to: stdio, null, file:PATH (output only), pty or unix:PATH (a socket); stdio unless given.",
            valueName: "end"),
        completion: ConsoleEnd.completion)
    var serial: String?

    @Option(help: "Which console standard input goes to: the serial port unless given.")
    var console: ConsoleDevice?

    @Option(
        help: ArgumentHelp(
            "Adds a virtio-console, connected as --serial says; stdio where standard input goes to it.",
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
            "Adds a second serial port, COM2, connected as --serial says; stdio where standard input goes to it.",
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

    @Flag(help: "Makes each doorbell of a virtio device an exit, and each of its interrupts a call.")
    var noEventfd = false

    @Option(
        help: ArgumentHelp(
            "Writes to this file, as JSON, how the run ended and what it did in numbers.", valueName: "file"),
        completion: .file())
    var report: String?

    @Option(
        help: ArgumentHelp(
            "Writes to this file a line for each exit of the guest: time, vCPU, kind, port or address, value, and which device answered.",
            valueName: "file"),
        completion: .file())
    var trace: String?

    /// ``RunWords`` understands all that the parser does, and comes first.
    func run() throws {
        throw ValidationError("these words cannot be made out")
    }

    static func parseCount(_ text: String) throws -> Int {
        guard let count = Int(text), (1...VirtualMachine.vcpuLimit).contains(count) else {
            throw ValidationError("it is not a number from 1 to \(VirtualMachine.vcpuLimit)")
        }
        return count
    }

    static func parseStatus(_ text: String) throws -> UInt8 {
        guard let status = UInt8(text) else { throw ValidationError("it is not a status from 0 to 255") }
        return status
    }

    static func parseSeconds(_ text: String) throws -> Double {
        guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
            throw ValidationError("it is not a number of seconds above 0 and below 1000000000; give one, as 10 or 0.5")
        }
        return seconds
    }
}
