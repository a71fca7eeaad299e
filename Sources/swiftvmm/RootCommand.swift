import ArgumentParser

struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftvmm",
        abstract: "Runs guests on Linux KVM: a few bytes of machine code, a bare-metal program, a kernel.",
        version: "swiftvmm 0.1.0",
        subcommands: [RunCommand.self])
}
