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
        status = reason.exitStatus
        var message = reason.description
        self.reason = Self.word(for: reason)
        switch reason {
        case .sleeping:
            message = message.replacing("interrupt controllers", with: "interrupt controllers with --irqchip full")
        case .signal(let number):
            let names = [SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGTERM: "SIGTERM"]
            if let name = names[number] { message = "ended by \(name)" }
        case .stopped: message = "quit with Ctrl-A x"
        default: break
        }
        var detail = reason.state?.description
        switch reason {
        case .deadline, .signal, .stopped: detail = Self.places(states)
        default: break
        }
        // One that ended otherwise has told of it, or was not too slow.
        switch reason {
        case .halted, .deadline, .signal, .stopped:
            if let whySilent { message += "; the guest printed nothing: \(whySilent)" }
        default: break
        }
        self.detail = detail
        if unwritten > 0 { message += "; \(unwritten) bytes of its output were not taken by their reader" }
        self.message = message
        isWorthSaying = reason == .sleeping || reason == .halted && whySilent != nil
    }

    private static func word(for reason: StopReason) -> String {
        switch reason {
        case .halted: "halted"
        case .sleeping: "sleeping"
        case .exited: "exited"
        case .reset: "reset"
        case .poweredOff: "poweredOff"
        case .panicked: "panicked"
        case .exception: "exception"
        case .tripleFault: "tripleFault"
        case .deadline: "deadline"
        case .signal: "signal"
        case .stopped: "stopped"
        case .guestError: "guestError"
        }
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
}
