import ArgumentParser

struct CompareMemoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MemoryMeasurement.name,
        abstract: "Measures how much memory a process, a container and a virtual machine take.",
        discussion: """
            The same work holds a known amount of memory and waits: as a host process, in a container, by the container engines \
            that are installed here, and in virtual machines. What all its processes have of the machine's memory beyond that is \
            what the isolation takes. It takes twenty seconds at most.

            \(ComparisonOptions.statuses)
            """,
        version: RootCommand.version)

    @OptionGroup var options: ComparisonOptions

    func run() throws {
        try options.run(MemoryMeasurement())
    }
}
