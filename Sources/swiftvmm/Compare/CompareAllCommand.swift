import ArgumentParser

/// What `compare` does when no word says what.
struct CompareAllCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all",
        abstract: "Compares everything below, one after the other.",
        discussion: """
            With --svg charts.svg the charts are charts-console.svg and so on; with --json the file has a member for each \
            comparison. It takes five minutes at most, with --quick one. When one of them fails or is ended, what those before it \
            found is told and written all the same.
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run([ConsoleMeasurement(), StartupMeasurement(), ComputeMeasurement(), MemoryMeasurement()])
    }
}
