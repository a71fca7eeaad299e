import ArgumentParser
import Comparison
import Glibc
import VMM

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        _superCommandName: RootCommand.name,
        abstract: "Measures what processes, containers and virtualization techniques cost on this host.",
        version: RootCommand.version,
        subcommands: [
            CompareAllCommand.self, CompareConsoleCommand.self, CompareStartupCommand.self,
            CompareComputeCommand.self, CompareMemoryCommand.self, WritePayloadCommand.self,
        ],
        defaultSubcommand: CompareAllCommand.self)
}

/// What `compare` does when no word says what.
struct CompareAllCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all",
        abstract: "Compares everything below, one after the other.",
        discussion: """
            With --svg charts.svg the charts are charts-console.svg and so on; with --json the file has a member for each \
            comparison. It takes five minutes at most, with --quick one, and longer on a busy machine. When one of them fails or is ended, what those before it \
            found is told and written all the same.
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run([ConsoleMeasurement(), StartupMeasurement(), ComputeMeasurement(), MemoryMeasurement()])
    }
}

struct CompareConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ConsoleMeasurement.name,
        abstract: "Measures every way in which a guest can print, beside a plain process.",
        discussion: """
            The same bytes go from a guest, by each technique, through a pipe to one reader, which compares every byte with what \
            it should be. The runs take turns, so that a busy machine favours none. It takes two minutes at most, on a busy machine longer.

            Standard output is a table; on a terminal, standard error tells how far it is.

            Status: 0 when every technique was measured and every byte was right; 64 bad usage; 66 there is no guest; 69 no \
            usable KVM; 70 a technique failed or lost bytes; 74 a file or standard output cannot be written; 129, 130 and 143 \
            ended by SIGHUP, SIGINT and SIGTERM.
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    @Option(
        help: ArgumentHelp("The guest, instead of guests/build/console-bench.elf.", valueName: "file"),
        completion: .file())
    var guest: String?

    func run() throws {
        try options.run(ConsoleMeasurement(guest: guest))
    }
}

struct CompareStartupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: StartupMeasurement.name,
        abstract: "Measures how long processes, containers and virtual machines take from start to end.",
        discussion: """
            The same little work is started again and again: as a host process, in a container, by the container engines that are \
            installed here, and in virtual machines. What this machine does not permit is told with its reason. It takes a \
            minute at most, on a busy machine longer.

            \(ComparisonOptions.statuses)
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run(StartupMeasurement())
    }
}

struct CompareComputeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ComputeMeasurement.name,
        abstract: "Measures how fast the same code works in a process, a container and a guest.",
        discussion: """
            Arithmetic, memory and branches, compiled once, are done by a host process, in a container, and in a guest's ring 3 and \
            ring 0, in turn; their answers must be equal. Ring 0 is left out where KVM interprets it. It takes a minute at \
            most, on a busy machine longer.

            Status: 0 when all that this machine permits was measured; 64 bad usage; 66 there is no guest; 69 no usable KVM; 70 a \
            subject failed or its answer is wrong; 74 a file or standard output cannot be written; 129, 130 and 143 ended by \
            SIGHUP, SIGINT and SIGTERM.
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run(ComputeMeasurement())
    }
}

struct CompareMemoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MemoryMeasurement.name,
        abstract: "Measures how much memory a process, a container and a virtual machine take.",
        discussion: """
            The same work holds a known amount of memory and waits: as a host process, in a container, by the container engines \
            that are installed here, and in virtual machines. What all its processes have of the machine's memory beyond that is \
            what the isolation takes. It takes twenty seconds at most, on a busy machine longer.

            \(ComparisonOptions.statuses)
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run(MemoryMeasurement())
    }
}

/// The plain process that `compare console` starts. It is nothing that users call.
struct WritePayloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "write-payload", abstract: "Writes the payload of compare console.", shouldDisplay: false)

    @Option var bytes: UInt64
    @Option var buffer: Int

    func validate() throws {
        guard (1...PayloadWriter.largestBuffer).contains(buffer) else {
            throw ValidationError("--buffer takes 1 to \(PayloadWriter.largestBuffer) bytes")
        }
    }

    func run() throws {
        try PayloadWriter.write(bytes: bytes, buffer: buffer)
    }
}
