import ArgumentParser
import Comparison
import Glibc
import LinuxHost
import VMM

@main
enum Main {
    static func main() {
        let start = MonotonicClock.now
        StandardStreams.prepare()
        guard let arguments = ProgramArguments.all else {
            StandardStreams.say("an argument is not UTF-8 text; rename the file, or give another path to it")
            exit(ExitStatus.usage.rawValue)
        }
        let words = ScreenOption.completed(Array(arguments.dropFirst()))
        do {
            try run(words, since: start)
        } catch let failure as Failure {
            end(failure)
        } catch let error as ComparisonError {
            end(Failure(error))
        } catch {
            exit(report(error, of: parser(for: words).command).rawValue)
        }
    }

    private static func run(_ words: [String], since start: Int64) throws {
        if words.first == RunOptions.command,
            let options = try RunOptions.layered(
                since: start, { try RunWords.options(words.dropFirst(), over: $0) })
        {
            return try options.run(since: start)
        }
        if words == ["--version"] {
            // Nothing is wrong with it, and to look at what the parser knows takes longer than all else.
            guard StandardStreams.answer(RootCommand.version) else {
                throw Failure(status: .outputFailed, message: "cannot write to standard output")
            }
            return
        }
        if let container = Container(words: words) { exit(try container.run(say: StandardStreams.say)) }
        if let misuse = Misuse.find(in: words, for: try .root) { throw misuse }
        let (parser, words) = parser(for: words)
        var command = try parser.parseAsRoot(words)
        try command.run()
    }

    private static func end(_ failure: Failure) -> Never {
        StandardStreams.say(failure.message)
        exit(failure.status.rawValue)
    }

    /// The command that the first word names, for the rest of the words: parsed by itself, it is found without looking at
    /// all the others, and without the search for requests of completion scripts, which only the root answers.
    private static func parser(for words: [String]) -> (command: any ParsableCommand.Type, words: [String]) {
        let named = RootCommand.configuration.subcommands.first { $0._commandName == words.first }
        return named.map { ($0, Array(words.dropFirst())) } ?? (RootCommand.self, words)
    }

    /// Prints what the argument parser has to say: help and versions are answers, all else is a complaint, whose last line
    /// names the cause.
    private static func report(_ error: any Error, of parser: any ParsableCommand.Type) -> ExitStatus {
        guard parser.exitCode(for: error) != .success else {
            guard StandardStreams.answer(parser.fullMessage(for: error)) else {
                StandardStreams.say("cannot write to standard output")
                return .outputFailed
            }
            return .success
        }
        // Of many values each has a line of its own there.
        let lines = parser.message(for: error).split(separator: "\n  - ")
        let message =
            lines.prefix(1).joined() + (lines.count > 1 ? " " : "") + lines.dropFirst().joined(separator: ", ")
        let cause = message.hasSuffix(".") ? message.dropLast() : message[...]
        let failure = Misuse.failure("\(cause)", command: parser == RootCommand.self ? nil : parser._commandName)
        StandardStreams.say(failure.message)
        return failure.status
    }
}

struct RootCommand: ParsableCommand {
    static let name = "swiftvmm"
    static let version = "swiftvmm 0.2.0"

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
