import ArgumentParser

struct CompareStartupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: StartupMeasurement.name,
        abstract: "Measures how long processes, containers and virtual machines take from start to end.",
        discussion: """
            The same little work is started again and again: as a host process, in a container, by the container engines that are \
            installed here, and in virtual machines. What this machine does not permit is told with its reason. It takes a \
            minute at most.

            \(ComparisonOptions.statuses)
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run(StartupMeasurement())
    }
}
