import ArgumentParser
import Glibc
import VMM

@main
enum Main {
    static func main() {
        StandardStreams.prepare()
        var command: any ParsableCommand
        do {
            command = try RootCommand.parseAsRoot()
        } catch {
            exit(report(error).rawValue)
        }
        do {
            try command.run()
        } catch let failure as Failure {
            StandardStreams.say(failure.message)
            exit(failure.status.rawValue)
        } catch {
            exit(report(error).rawValue)
        }
    }

    /// Prints what the argument parser has to say: help and versions are answers, all else is a complaint, whose last line
    /// names the cause.
    private static func report(_ error: any Error) -> ExitStatus {
        guard RootCommand.exitCode(for: error) != .success else {
            guard StandardStreams.answer(RootCommand.fullMessage(for: error)) else {
                StandardStreams.say("cannot write to standard output")
                return .outputFailed
            }
            return .success
        }
        StandardStreams.say("\(RootCommand.message(for: error)); see swiftvmm --help and swiftvmm run --help")
        return .usage
    }
}
