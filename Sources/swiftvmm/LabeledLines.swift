/// An answer of one line for each thing: its name, and behind it, in a column, what there is to say.
struct LabeledLines {
    private static let column = 15

    let text: String

    init(_ lines: [(name: String, value: String)]) {
        text = lines.map { name, value in
            name + String(repeating: " ", count: max(1, Self.column - name.count)) + value
        }.joined(separator: "\n")
    }
}
