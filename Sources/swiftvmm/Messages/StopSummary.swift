import Glibc
import VMM

/// How a run ended, in words and as a status.
struct StopSummary: Equatable, Encodable {
    private enum CodingKeys: String, CodingKey {
        case reason, status, message
    }

    /// One word for programs.
    let reason: String
    var status: ExitStatus
    /// One line for people.
    var message: String
    /// What is said before it: the vCPU's state where the guest failed, and where each was when someone ended the run.
    let detail: String?
    /// Whether the message is for people although all is well.
    var isWorthSaying: Bool

    /// - Parameters:
    ///   - unwritten: how many bytes of output nobody took.
    ///   - states: each vCPU's that was started, by its number.
    ///   - whySilent: the reason and the remedy where the guest has printed nothing.
    init(
        _ reason: StopReason, unwritten: Int, states: [Int: CPUSnapshot] = [:], whySilent: String? = nil
    ) {
        status = ExitStatus(reason)
        var detail: String?
        var message: String
        switch reason {
        case .halted: (self.reason, message) = ("halted", "the guest halted")
        case .sleeping:
            (self.reason, message) = (
                "sleeping",
                "the guest sleeps with interrupts on, and nothing in this machine can interrupt it; give it interrupt controllers with --irqchip full, or turn interrupts off before the last HLT"
            )
        case .exited(let status): (self.reason, message) = ("exited", "the guest ended with status \(status)")
        case .reset(let cause): (self.reason, message) = ("reset", "the guest reset the machine (\(cause))")
        case .poweredOff: (self.reason, message) = ("poweredOff", "the guest powered the machine off")
        case .panicked:
            (self.reason, message) = ("panicked", "the guest's kernel panicked, as it told by the panic port")
        case .exception(let exception):
            (self.reason, message) = ("exception", exception.description)
            detail = exception.state.description
        case .tripleFault(let fault):
            (self.reason, message) = ("tripleFault", fault.description)
            detail = fault.state.description
        case .deadline:
            detail = Self.places(states)
            (self.reason, message) = ("deadline", "the deadline passed before the guest ended")
        case .signal(let number):
            detail = Self.places(states)
            let name = [SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGTERM: "SIGTERM"][number] ?? "signal \(number)"
            (self.reason, message) = ("signal", "ended by \(name)")
        case .stopped:
            detail = Self.places(states)
            (self.reason, message) = ("stopped", "quit with Ctrl-A x")
        case .guestError(let error):
            (self.reason, message) = ("guestError", error.description)
            detail = error.state.description
        }
        // One that ended otherwise has told of it, or was not too slow.
        switch reason {
        case .halted, .deadline, .signal, .stopped:
            if let whySilent { message += "; the guest printed nothing: \(whySilent)" }
        default: break
        }
        if unwritten > 0 { message += "; \(unwritten) bytes of its output were not taken by their reader" }
        self.message = message
        self.detail = detail
        isWorthSaying = reason == .sleeping || reason == .halted && whySilent != nil
    }

    private static func places(_ states: [Int: CPUSnapshot]) -> String? {
        guard !states.isEmpty else { return nil }
        return states.sorted { $0.key < $1.key }.map { "vCPU \($0.key) was at \($0.value.place)" }.joined(
            separator: "\n")
    }

    init(_ failure: Failure) {
        reason = failure.status == .deadline ? "deadline" : "error"
        status = failure.status
        message = failure.message
        detail = nil
        isWorthSaying = false
    }

    init(_ error: VMMError) {
        self.init(Failure(status: ExitStatus(error), message: error.words))
    }
}

extension StopReason {
    /// Whether the guest chose to end here.
    var isGuestsWill: Bool {
        switch self {
        case .halted, .sleeping, .exited, .reset, .poweredOff: true
        case .panicked, .exception, .tripleFault, .guestError, .deadline, .signal, .stopped: false
        }
    }
}
