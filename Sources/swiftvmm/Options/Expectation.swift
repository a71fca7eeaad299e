import ArgumentParser
import VMM

/// What `--expect` says of the end of a run.
enum Expectation: Equatable, Sendable {
    /// By its word in the report, whatever the status.
    case reason(Reason)
    /// By an exit port, with this status.
    case status(UInt8)

    enum Reason: String, CaseIterable, Sendable {
        case exited, halted, sleeping, poweredOff, reset, panicked
    }

    static let words = Reason.allCases.map(\.rawValue)

    static func parse(_ text: String) throws -> Expectation {
        if let reason = Reason(rawValue: text) { return .reason(reason) }
        if let status = UInt8(text) { return .status(status) }
        throw ValidationError("it is neither a status from 0 to 255 nor one of \(words.joined(separator: ", "))")
    }

    /// How messages put it.
    var description: String {
        switch self {
        case .reason(let reason): reason.rawValue
        case .status(let status): "exited with status \(status)"
        }
    }
}

extension StopSummary {
    /// The same as a verdict: 0 for what was expected, and the guest-failed status for any other end but those that the user asked for
    /// and those that are no end of a guest.
    ///
    /// - Parameters:
    ///   - expectation: nil for none.
    ///   - success: a status that means success where the guest chooses it; nil for 0 alone.
    func judged(by expectation: Expectation?, success: UInt8?) -> StopSummary {
        var judged = self
        if reason == Expectation.Reason.exited.rawValue, let success, status.rawValue == Int32(success) {
            judged.status = .success
        }
        guard let expectation, !["error", "signal", "stopped"].contains(reason) else { return judged }
        switch expectation {
        case .reason(.exited) where reason == Expectation.Reason.exited.rawValue: break
        case .reason(let expected) where reason == expected.rawValue:
            (judged.status, judged.isWorthSaying) = (.success, false)
        case .status(let expected)
        where reason == Expectation.Reason.exited.rawValue && status.rawValue == Int32(expected):
            judged.status = .success
        default:
            judged.status = .guestFailed
            judged.message = "the guest was to end as \(expectation.description), and did not: \(message)"
        }
        return judged
    }
}
