import ArgumentParser
import Glibc
import VMM

@main
enum Main {
    static func main() {
        StandardStreams.prepare()
        let (parser, words) = parser(for: Array(CommandLine.arguments.dropFirst()))
        do {
            var command = try parser.parseAsRoot(words)
            try command.run()
        } catch let failure as Failure {
            StandardStreams.say(failure.message)
            exit(failure.status.rawValue)
        } catch {
            exit(report(error, of: parser).rawValue)
        }
    }

    /// The command that the first word names, for the rest of the words: parsed by itself, it is found without looking at
    /// all the others, and without the search for requests of completion scripts, which only the root answers. That is a
    /// fifth of the time that a tiny guest takes from start to end.
    private static func parser(for words: [String]) -> (any ParsableCommand.Type, [String]) {
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
        let message = parser.message(for: error)
        let cause = message.hasSuffix(".") ? message.dropLast() : message[...]
        StandardStreams.say("\(cause); see swiftvmm --help and swiftvmm run --help")
        return .usage
    }
}
