import ArgumentParser

struct CompareCommand: ParsableCommand {
    static let name = "compare"

    static let configuration = CommandConfiguration(
        commandName: name,
        _superCommandName: RootCommand.name,
        abstract: "Measures what virtualization techniques cost on this host.",
        version: RootCommand.version,
        subcommands: [CompareConsoleCommand.self, WritePayloadCommand.self])

    func run() throws {
        throw ValidationError("it must be said what to compare, as in: swiftvmm compare console")
    }
}
