import ArgumentParser
import VMM

/// What the parser knows of `run`: for help, completion, the manual page, and for messages where the words are wrong. What they ask for is
/// read by ``RunWords``.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: RunOptions.command,
        _superCommandName: RootCommand.name,
        abstract: "Boots a guest and runs it until it ends.",
        usage:
            "\(RootCommand.name) \(RunOptions.command) <image> [<options>]\n       \(RootCommand.name) \(RunOptions.command) --config <file> [<image>] [<options>]",
        discussion: """
            What the guest prints is standard output; standard input is its serial port's, its virtio-console's, or a boot \
            sector's keyboard's. Everything \
            swiftvmm says goes to standard error, and the last line there names the cause when the status is not 0.

            On a terminal each key goes to the guest as it is, Ctrl-C too, but for commands: Ctrl-A x ends the run, Ctrl-A a \
            sends Ctrl-A, Ctrl-A h shows help.

            Status: the guest's own when it uses an exit port; 0 when it halts, powers off or resets; 64 bad usage; 66 the \
            image cannot be booted; 69 no usable KVM; 70 a fault of swiftvmm; 74 output closed or full; 124 the deadline \
            passed; 125 the guest failed; 129, 130 and 143 ended by SIGHUP, SIGINT and SIGTERM; 130 also by Ctrl-A x.
            """,
        version: RootCommand.version)

    @OptionGroup var machine: MachineArguments

    @Option(
        help: ArgumentHelp(
            "Ends the run so many seconds after the start of the program, with status 124.", valueName: "seconds"))
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

    @Flag(help: "Makes each byte that the guest writes to the serial port an exit of its own.")
    var noCoalescing = false

    @Option(
        help: ArgumentHelp(
            "What the serial port is connected to: stdio, null, file:PATH (output only), pty or unix:PATH (a socket); stdio unless given.",
            valueName: "end"),
        completion: ConsoleEnd.completion)
    var serial: String?

    @Option(
        help: ArgumentHelp(
            "Shows the guest's text screen on this terminal, with its keyboard; text prints the screen's lines instead, as they leave it and in the end. Without a value it is terminal.",
            valueName: "how"),
        completion: .list(ScreenOption.allCases.map(\.rawValue)))
    var screen: String?

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
}
