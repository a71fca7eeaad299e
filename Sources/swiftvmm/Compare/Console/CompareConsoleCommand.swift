import ArgumentParser

struct CompareConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ConsoleMeasurement.name,
        abstract: "Measures every way in which a guest can print, beside a plain process.",
        discussion: """
            The same bytes go from a guest, by each technique, through a pipe to one reader, which compares every byte with what \
            it should be. The runs take turns, so that a busy machine favours none. It takes two minutes at most.

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
