import VMM

/// Why a test of a guest failed. Its description is whole: where, what was expected, what came, the output, the registers and the
/// report in short, so that a log of a test on another machine has all that is needed.
public struct GuestFailure: Error, Sendable {
    /// One sentence.
    public let what: String
    /// Nil where no machine could be made, or the host failed.
    public let outcome: Outcome?
    /// What the guest had printed.
    public let output: [UInt8]
    let image: String
    var place: SourcePlace?

    init(_ image: String, _ what: String, output: [UInt8] = []) {
        (self.image, self.what, self.output, outcome) = (image, what, output, nil)
    }

    init(_ image: String, _ error: VMMError, output: [UInt8] = []) {
        let remedy =
            error.meansNoKVM && skipReason != nil
            ? "; a test that needs KVM says .requiresKVM, or is a GuestTestCase" : ""
        self.init(image, error.description + remedy, output: output)
    }

    init(_ outcome: Outcome, _ what: String, _ place: SourcePlace? = nil) {
        (image, output, self.outcome) = (outcome.image, outcome.output, outcome)
        (self.what, self.place) = (what, place)
    }
}

extension GuestFailure: CustomStringConvertible {
    public var description: String {
        let title = (place.map { "\($0): " } ?? "") + "\(image): \(what)"
        guard let outcome else { return output.isEmpty ? title : "\(title)\n\(shownOutput(output))" }
        let end = what.hasPrefix(outcome.reason.description) ? [] : ["end: \(outcome.reason.description)"]
        return ([title] + end + outcome.details).joined(separator: "\n")
    }
}

/// Where a test asks for something.
struct SourcePlace: Sendable, CustomStringConvertible {
    let fileID: String
    let line: UInt

    init(_ fileID: StaticString, _ line: UInt) {
        (self.fileID, self.line) = ("\(fileID)", line)
    }

    var description: String { "\(fileID):\(line)" }
}
