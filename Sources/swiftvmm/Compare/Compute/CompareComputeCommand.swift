import ArgumentParser

struct CompareComputeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ComputeMeasurement.name,
        abstract: "Measures how fast the same code works in a process, a container and a guest.",
        discussion: """
            Arithmetic, memory and branches, compiled once, are done by a host process, in a container, and in a guest's ring 3 and \
            ring 0, in turn; their answers must be equal. Ring 0 is left out where KVM interprets it. It takes a minute at \
            most.

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
