import ArgumentParser
import Glibc
import KVM
import VMM

extension CPUMode: ExpressibleByArgument {}
extension ImageFormat: ExpressibleByArgument {}

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        _superCommandName: RootCommand.name,
        abstract: "Boots a guest and runs it until it ends.",
        discussion: """
            What the guest prints is standard output; standard input is its serial port's. Everything swiftvmm says goes to \
            standard error, and the last line there names the cause when the status is not 0.

            Status: the guest's own when it uses an exit port; 0 when it halts, powers off or resets; 64 bad usage; 66 the \
            image cannot be booted; 69 no usable KVM; 70 a fault of swiftvmm; 74 output closed or full; 124 the deadline \
            passed; 125 the guest failed; 129, 130 and 143 ended by SIGHUP, SIGINT and SIGTERM.
            """,
        version: RootCommand.version)

    @Argument(help: "The guest: an ELF executable, or flat machine code.", completion: .file())
    var image: String

    @Option(help: "The mode that a flat image is entered in: real unless given.")
    var mode: CPUMode?

    @Option(help: "The image's format, instead of what its content says.")
    var format: ImageFormat?

    @Option(
        help: ArgumentHelp("RAM in bytes, or with K, M, G or T, 1M at least: 64M unless given.", valueName: "size"),
        transform: MemorySize.parse)
    var memory = MemorySize.standard

    @Option(
        help: ArgumentHelp("Ends the run after so many seconds, with status 124.", valueName: "seconds"),
        transform: parseSeconds)
    var timeout: Double?

    @Option(help: ArgumentHelp("The command line that a 64-bit guest is given.", valueName: "text"))
    var cmdline = ""

    @Option(
        help: ArgumentHelp(
            "Writes to this file, as JSON, how the run ended and what it did in numbers.", valueName: "file"),
        completion: .file())
    var report: String?

    func run() throws {
        // Before the first file is opened: from here on these signals end the run in good order.
        try Self.catchSignals()
        let reportFile: ReportFile? = if let report { try ReportFile(path: report, image: image) } else { nil }
        let (summary, numbers) = boot()
        Self.releaseSignals()
        try reportFile?.write(RunReportFile(image: image, stop: summary, run: numbers))
        if let detail = summary.detail { StandardStreams.detail(detail) }
        guard summary.status == .success else {
            throw Failure(status: summary.status, message: summary.message)
        }
    }

    /// Makes the machine and runs it. The numbers are nil where nobody wants them or no machine could be made.
    private func boot() -> (StopSummary, RunReport?) {
        do throws(VMMError) {
            var machine = try VirtualMachine(configuration)
            do throws(VMMError) {
                let reason = try machine.run()
                let summary = StopSummary(reason, unwritten: machine.unwrittenByteCount)
                return (summary, report == nil ? nil : machine.report)
            } catch {
                return (StopSummary(error), report == nil ? nil : machine.report)
            }
        } catch {
            // A signal also ends calls that are under way, and is what the user wants to hear of.
            if let signal = StopSignals.caught { return (StopSummary(.signal(signal), unwritten: 0), nil) }
            return (StopSummary(error), nil)
        }
    }

    private var configuration: MachineConfiguration {
        var configuration = MachineConfiguration(
            image: .file(image), output: ConsoleOutput(descriptor: STDOUT_FILENO))
        configuration.format = format
        configuration.mode = mode
        configuration.memorySize = memory.bytes
        configuration.commandLine = cmdline
        configuration.timeout = timeout.map { .seconds($0) }
        configuration.input = ConsoleInput(descriptor: STDIN_FILENO)
        return configuration
    }

    private static func parseSeconds(_ text: String) throws -> Double {
        guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
            throw ValidationError("it is not a number of seconds above 0 and below 1000000000; give one, as 10 or 0.5")
        }
        return seconds
    }

    /// Those that end a run in good order; SIGHUP comes when the terminal goes.
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    private static func catchSignals() throws {
        do throws(KVMError) {
            for signal in signals where signal != SIGHUP || !StopSignals.isIgnored(signal) {
                try StopSignals.catch(signal)
            }
        } catch {
            throw Failure(status: .fault, message: error.description)
        }
    }

    /// The run is over. What is left to say may wait for a reader that takes nothing: a signal ends that wait as it ends any
    /// program.
    private static func releaseSignals() {
        for number in signals { _ = signal(number, SIG_DFL) }
    }
}
