import LinuxHost

/// What is known here of swiftvmm as a command (docs/cli.md): how it is called, and what its statuses mean.
enum SwiftvmmCommand {
    static let name = "swiftvmm"
    /// This program itself.
    static let path = "/proc/self/exe"

    // Its words.
    static let run = "run"
    static let compare = "compare"
    /// `compare contain PROGRAM …`, which no user calls.
    static let contain = "contain"
    /// `compare write-payload --bytes N --buffer N`, which no user calls.
    static let writePayload = "write-payload"

    // Its statuses.
    static let badImage: Int32 = 66
    static let noKVM: Int32 = 69
    static let fault: Int32 = 70

    /// What begins its messages.
    static let messageMark = "\(name): "
}

/// Why a comparison ends without a result.
package enum ComparisonError: Error, Equatable {
    /// A guest or a program is not there, or cannot be booted.
    case image(String)
    /// No machine can be made here.
    case kvm(String)
    /// A subject failed or printed something else, or the system refused what a comparison needs.
    case fault(String)
    /// A file cannot be written.
    case output(String)
    /// A signal asked for the end.
    case signal(Int32)

    /// Of a child: where no machine can be made here, or not with this guest, that is the reason, else its failure is.
    init(status: Int32, _ message: String) {
        switch status {
        case SwiftvmmCommand.badImage: self = .image(message)
        case SwiftvmmCommand.noKVM: self = .kvm(message)
        default: self = .fault(message)
        }
    }

    package var message: String {
        switch self {
        case .image(let message), .kvm(let message), .fault(let message), .output(let message): message
        case .signal(let number): "ended by signal \(number)"
        }
    }
}

extension StopSignals {
    /// Ends the comparison when a signal has asked for that.
    static func check() throws(ComparisonError) {
        if let signal = caught { throw .signal(signal) }
    }
}

/// The last line of what a process said, without swiftvmm's name; where it said nothing, its status.
struct LastWords {
    let text: String

    init(_ errors: [UInt8], status: Int32) {
        self.init(String(decoding: errors, as: UTF8.self), status: status)
    }

    init(_ errors: String, status: Int32) {
        let line = errors.split(separator: "\n").last.map(String.init) ?? "status \(status)"
        let mark = SwiftvmmCommand.messageMark
        text = Self.logged(line) ?? (line.hasPrefix(mark) ? String(line.dropFirst(mark.count)) : line)
    }

    /// The message of a line that runc logs: `time="…" level=error msg="…"`.
    private static func logged(_ line: String) -> String? {
        guard line.hasPrefix("time="), let start = line.firstRange(of: " msg=\"") else { return nil }
        let message = line[start.upperBound...]
        return String(message.hasSuffix("\"") ? message.dropLast() : message)
    }
}
