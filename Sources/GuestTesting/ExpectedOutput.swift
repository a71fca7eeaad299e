/// What a guest has to print. A text in quotes is all of it, to the last line feed.
public enum ExpectedOutput: Equatable, Sendable, ExpressibleByStringInterpolation {
    case exactly(String)
    case containing(String)

    public init(stringLiteral text: String) {
        self = .exactly(text)
    }

    /// What is wrong with an output; nil for nothing.
    func difference(from output: String) -> String? {
        switch self {
        // By bytes: two texts that Unicode takes for the same, as "\n" and "\r\n" are not, look the same to nobody who debugs a console.
        case .exactly(let text):
            guard !text.utf8.elementsEqual(output.utf8) else { return nil }
            return Self.firstDifference(lines(of: text), lines(of: output))
        case .containing(let text): return contains(text, in: output) ? nil : "it did not print \(shown(text))"
        }
    }

    private static func firstDifference(_ expected: [String], _ found: [String]) -> String {
        let same = zip(expected, found).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        func line(_ lines: [String]) -> String { same < lines.count ? shown(lines[same]) : "nothing more" }
        return "line \(same + 1) of its output is \(line(found)); expected is \(line(expected))"
    }
}

/// Lines with their ends.
private func lines(of text: String) -> [String] {
    var lines: [String] = []
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        line.append(scalar)
        if scalar == "\n" {
            lines.append(String(line))
            line = String.UnicodeScalarView()
        }
    }
    return line.isEmpty ? lines : lines + [String(line)]
}

private func contains(_ text: String, in output: String) -> Bool {
    var search = TextSearch(for: text)
    return text.isEmpty || output.utf8.contains { search.ends(with: $0) }
}

/// A text between quotes, with what a terminal would act on written out, and not more than a line of it.
func shown(_ text: String) -> String {
    let limit = 160
    return "\"\(escaped(text.prefix(limit)))\"" + (text.count > limit ? "…" : "")
}

/// How a failure shows output: a line for each, the last ones where there are many.
func shownOutput(_ output: [UInt8]) -> String {
    guard !output.isEmpty else { return "it printed nothing" }
    let lineLimit = 40
    let widthLimit = 200
    let all = lines(of: String(decoding: output, as: UTF8.self))
    let shown = all.suffix(lineLimit).map { line in
        let text = line.unicodeScalars.last == "\n" ? String(line.unicodeScalars.dropLast()) : line
        return "  | \(escaped(text.prefix(widthLimit)))" + (text.count > widthLimit ? "…" : "")
    }
    let title = all.count > lineLimit ? "output, the last \(lineLimit) of \(all.count) lines:" : "output:"
    return ([title] + shown).joined(separator: "\n")
}

/// A carriage return before a line feed is shown too: it is what makes two consoles differ.
private func escaped(_ text: some StringProtocol) -> String {
    text.unicodeScalars.map { $0.value < 32 || (127..<160).contains($0.value) ? $0.escaped(asASCII: true) : String($0) }
        .joined()
}
