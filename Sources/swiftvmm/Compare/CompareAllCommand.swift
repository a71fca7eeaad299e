import ArgumentParser

/// What `compare` does when no word says what.
struct CompareAllCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all",
        abstract: "Compares everything below, one after the other.",
        discussion: """
            With --svg charts.svg the charts are charts-console.svg and so on; with --json the file has a member for each \
            comparison. It takes five minutes at most, with --quick one.
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run([ConsoleMeasurement(), StartupMeasurement(), ComputeMeasurement(), MemoryMeasurement()])
    }
}
