import Testing

/// How a process ended and what it said.
struct Outcome: Sendable {
    /// The exit status; below 0, the signal that ended it.
    let status: Int32
    /// Standard output.
    let output: [UInt8]
    /// Standard error.
    let errors: String
    /// From before its start until after its end.
    let elapsed: Duration

    /// Standard output as text.
    var text: String { String(decoding: output, as: UTF8.self) }

    /// Standard error but for where each vCPU was when someone ended the run.
    var words: String { Self.withoutPlaces(errors) }

    static func withoutPlaces(_ errors: String) -> String {
        errors.replacing(/vCPU [0-9]+ was at .*\n/, with: "")
    }

    /// The last line on standard error, which names the cause.
    var lastError: String { errors.split(separator: "\n").last.map(String.init) ?? "" }

    var seconds: Double { elapsed / .seconds(1) }
}

extension Outcome: CustomStringConvertible {
    var description: String {
        let shown = output.count > 200 ? "\(output.count) bytes" : "\"\(text)\""
        return "status \(status), output \(shown), errors \"\(errors)\", after \(elapsed)"
    }
}

/// The guest did what it should: this output, status 0, and nothing else said.
func expectSuccess(_ outcome: Outcome, _ output: String, at place: SourceLocation = #_sourceLocation) {
    #expect(outcome.status == 0, "\(outcome)", sourceLocation: place)
    #expect(outcome.text == output, sourceLocation: place)
    #expect(outcome.errors == "", sourceLocation: place)
}

/// Nothing ran: this status, no output, and one line that says why.
func expectRefusal(
    _ outcome: Outcome, _ status: Int32, _ message: String, at place: SourceLocation = #_sourceLocation
) {
    #expect(outcome.status == status, "\(outcome)", sourceLocation: place)
    #expect(outcome.output == [], sourceLocation: place)
    #expect(outcome.words == "swiftvmm: \(message)\n", sourceLocation: place)
}
