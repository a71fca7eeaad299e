/// The last line of what a process said, without swiftvmm's name; where it said nothing, its status.
struct LastWords {
    let text: String

    init(_ errors: [UInt8], status: Int32) {
        self.init(String(decoding: errors, as: UTF8.self), status: status)
    }

    init(_ errors: String, status: Int32) {
        let line = errors.split(separator: "\n").last.map(String.init) ?? "status \(status)"
        let prefix = "\(RootCommand.name): "
        text = Self.logged(line) ?? (line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : line)
    }

    /// The message of a line that runc logs: `time="…" level=error msg="…"`.
    private static func logged(_ line: String) -> String? {
        guard line.hasPrefix("time="), let start = line.firstRange(of: " msg=\"") else { return nil }
        let message = line[start.upperBound...]
        return String(message.hasSuffix("\"") ? message.dropLast() : message)
    }
}
