import ArgumentParser

struct CompareCommand: ParsableCommand {
    static let name = "compare"

    static let configuration = CommandConfiguration(
        commandName: name,
        _superCommandName: RootCommand.name,
        abstract: "Measures what processes, containers and virtualization techniques cost on this host.",
        version: RootCommand.version,
        subcommands: [
            CompareAllCommand.self, CompareConsoleCommand.self, CompareStartupCommand.self,
            CompareComputeCommand.self, CompareMemoryCommand.self, WritePayloadCommand.self,
        ],
        defaultSubcommand: CompareAllCommand.self)
}
