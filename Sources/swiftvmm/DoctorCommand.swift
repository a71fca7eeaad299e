import ArgumentParser
import VMM

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        _superCommandName: RootCommand.name,
        abstract: "Tells what this host's KVM can do, and what to fix.",
        discussion: """
            Each line is the result of a trial: a machine of a few instructions, with a time limit. The status is 0 when guests \
            can run here, and 69 when they cannot; then the lines say why, and what to do.
            """,
        version: RootCommand.version)

    func run() throws {
        let report: HostReport
        do throws(VMMError) {
            report = try HostTrials().report()
        } catch {
            for line in HostAdvice(error).lines { StandardStreams.detail(line) }
            throw Failure(status: error.exitStatus, message: error.description)
        }
        guard StandardStreams.answer(HostDescription(report).text) else {
            throw Failure(status: .outputFailed, message: "cannot write to standard output")
        }
        if case .failure(let reason) = report.backend {
            throw Failure(status: .noKVM, message: "no guest can run here: \(reason)")
        }
    }
}
