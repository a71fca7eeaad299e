import ArgumentParser

struct RootCommand: ParsableCommand {
    static let name = "swiftvmm"
    static let version = "swiftvmm 0.1.0"

    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Runs guests on Linux KVM: a few bytes of machine code, a bare-metal program, a kernel.",
        version: version,
        subcommands: [RunCommand.self, InspectCommand.self, DoctorCommand.self, CompareCommand.self])

    /// Without a command nothing can be done, and a script that lost it must not go on.
    func run() throws {
        throw ValidationError("a command is missing, as in: swiftvmm run guest.bin")
    }
}
