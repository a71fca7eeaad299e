import Glibc
import VMM

/// How a run ended, in words and as a status.
struct StopSummary: Equatable, Encodable {
    private enum CodingKeys: String, CodingKey {
        case reason, status, message
    }

    /// One word for programs.
    let reason: String
    let status: ExitStatus
    /// One line for people.
    let message: String
    /// The vCPU's state where the guest failed.
    let detail: String?

    /// - Parameter unwritten: how many bytes of output nobody took.
    init(_ reason: StopReason, unwritten: Int) {
        status = ExitStatus(reason)
        var detail: String?
        var message: String
        switch reason {
        case .halted: (self.reason, message) = ("halted", "the guest halted")
        case .exited(let status): (self.reason, message) = ("exited", "the guest ended with status \(status)")
        case .reset(let cause): (self.reason, message) = ("reset", "the guest reset the machine (\(cause))")
        case .poweredOff: (self.reason, message) = ("poweredOff", "the guest powered the machine off")
        case .panicked:
            (self.reason, message) = ("panicked", "the guest's kernel panicked, as it told by the panic port")
        case .exception(let exception):
            (self.reason, message) = ("exception", exception.description)
            detail = exception.state.description
        case .tripleFault(let state):
            (self.reason, message) = (
                "tripleFault", "the guest caused a triple fault: an exception that it could not handle"
            )
            detail = state.description
        case .deadline: (self.reason, message) = ("deadline", "the deadline passed before the guest ended")
        case .signal(let number):
            let name = [SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGTERM: "SIGTERM"][number] ?? "signal \(number)"
            (self.reason, message) = ("signal", "ended by \(name)")
        case .stopped: (self.reason, message) = ("stopped", "quit with Ctrl-A x")
        case .guestError(let error):
            (self.reason, message) = ("guestError", error.description)
            detail = error.state.description
        }
        if unwritten > 0 { message += "; \(unwritten) bytes of its output were not taken by their reader" }
        self.message = message
        self.detail = detail
    }

    init(_ failure: Failure) {
        reason = "error"
        status = failure.status
        message = failure.message
        detail = nil
    }

    init(_ error: VMMError) {
        reason = "error"
        status = ExitStatus(error)
        message = error.words
        detail = nil
    }
}

/// The content of `--report`.
struct RunReportFile: Encodable {
    let image: String
    let stop: StopSummary
    /// Nil, and left out, where no machine could be made.
    let run: RunReport?
}
