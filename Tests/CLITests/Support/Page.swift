import TestSupport
import Testing

/// A page of the documents: its files, which are code blocks with a language and a name, and its commands, lines that begin with `$`
/// in blocks without a language, each with what it prints.
struct Page {
    struct Command {
        let line: String
        var output = ""
    }

    private(set) var files: [String: String] = [:]
    /// By the heading that they stand under.
    private(set) var commands: [String: [Command]] = [:]

    init(_ path: String) throws {
        let text = String(decoding: try Scratch.contents(ofFile: "\(Checkout.root)/\(path)"), as: UTF8.self)
        var heading = ""
        /// What stands behind the opening fence, inside a block.
        var block: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                block = block == nil ? line.dropFirst(3).split(separator: " ") : nil
            } else if let block {
                if block.count == 2 { files[String(block[1]), default: ""] += line + "\n" }
                if block.isEmpty { add(line, under: heading) }
            } else if line.hasPrefix("#") {
                heading = line.drop { $0 == "#" }.dropFirst().description
            }
        }
    }

    private mutating func add(_ line: Substring, under heading: String) {
        var list = commands[heading] ?? []
        if line.hasPrefix("$ ") {
            list.append(Command(line: String(line.dropFirst(2))))
        } else if let last = list.indices.last {
            list[last].output += line + "\n"
        }
        commands[heading] = list
    }

    /// Writes the files to a fresh folder, and does there what stands under these headings.
    func follow(_ headings: [String], at place: SourceLocation = #_sourceLocation) async throws {
        let scratch = try Scratch()
        for (name, text) in files { try scratch.write(Array(text.utf8), to: name) }
        for heading in headings {
            for command in try #require(commands[heading], "there is no \(heading)", sourceLocation: place) {
                let outcome = try await scratch.shell("swiftvmm() { \"$0\" \"$@\"; }\n{ \(command.line)\n} 2>&1")
                // A boot sector's line ends with a carriage return, too, which no page shows.
                let text = outcome.text.replacing("\r\n", with: "\n")
                #expect(text == command.output, "\(command.line)", sourceLocation: place)
            }
        }
    }
}
