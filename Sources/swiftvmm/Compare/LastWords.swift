/// The last line of what a process said, without swiftvmm's name; where it said nothing, its status.
struct LastWords {
    let text: String

    init(_ errors: [UInt8], status: Int32) {
        self.init(String(decoding: errors, as: UTF8.self), status: status)
    }

    init(_ errors: String, status: Int32) {
        let line = errors.split(separator: "\n").last.map(String.init) ?? "status \(status)"
        let prefix = "\(RootCommand.name): "
        text = line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : line
    }
}
