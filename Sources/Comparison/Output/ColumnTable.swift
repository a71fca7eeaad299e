import Glibc

/// A table of text: a line of titles, a rule, and a line for each row, in columns that are as wide as their widest cell.
struct ColumnTable {
    enum Alignment {
        case left, right
    }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []
    /// What stands in a row instead of its other cells, by the row's number.
    private var notes: [Int: String] = [:]

    init(_ columns: [(title: String, alignment: Alignment)]) {
        self.columns = columns
    }

    /// - Parameter cells: one for each column; those that are missing are empty.
    mutating func add(_ cells: [String]) {
        rows.append(columns.indices.map { $0 < cells.count ? cells[$0] : "" })
    }

    /// A row of one cell, and what there is to say instead of the others.
    mutating func add(_ first: String, note: String) {
        notes[rows.count] = note
        add([first])
    }

    var text: String {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].title.count) { max($0, $1[index].count) }
        }
        let head = [columns.map(\.title), widths.map { String(repeating: "─", count: $0) }]
        let lines =
            head.map { line($0, widths) }
            + rows.enumerated().map { index, cells in
                guard let note = notes[index] else { return line(cells, widths) }
                return cells[0] + String(repeating: " ", count: widths[0] - cells[0].count + 2) + note
            }
        return lines.joined(separator: "\n")
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let blanks = String(repeating: " ", count: widths[index] - cell.count)
            line += (index == 0 ? "" : "  ") + (columns[index].alignment == .left ? cell + blanks : blanks + cell)
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}

/// One line on a terminal that tells how far it is. Nothing where standard error is none.
struct ProgressLine {
    private let isShown = isatty(STDERR_FILENO) == 1
    /// What fits beside the first word, on the narrowest terminals in use.
    private static let width = 78

    func show(_ text: String) {
        guard isShown else { return }
        let line = "\r\u{1B}[K" + text.prefix(Self.width)
        // SAFETY: the text lives for the length of the call, and its count is in bytes.
        _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
    }

    func clear() { show("") }
}
