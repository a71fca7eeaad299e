import DeviceModel
import LinuxHost
import VMM

/// Shows a guest's text screen on a terminal (ECMA-48; xterm, "Control Sequences"): on its alternate screen while the guest runs, and what was
/// there last on the usual one afterwards.
struct ScreenTerminal: ScreenRenderer {
    /// What is on the terminal now; nil where that is nothing yet.
    private var shown: ScreenImage?
    /// Columns and rows; what does not fit is cut off.
    private var size: (columns: Int, rows: Int)
    private let measure: @Sendable () -> (columns: Int, rows: Int)
    private var continuations = TerminalMode.continuations

    static let entry = "\u{1B}[?1049h\u{1B}[0m\u{1B}[2J"
    static let exit: StaticString = "\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l"

    /// - Parameter measure: tells the terminal's size.
    init(_ measure: @escaping @Sendable () -> (columns: Int, rows: Int)) {
        self.measure = measure
        size = measure()
    }

    mutating func begin() -> [UInt8] {
        TerminalMode.setFarewell(Self.exit)
        return Array(Self.entry.utf8)
    }

    /// After a stop, and where the window has another size, all is drawn again.
    var isStale: Bool {
        mutating get {
            let (count, new) = (TerminalMode.continuations, measure())
            defer { (continuations, size) = (count, new) }
            guard count != continuations || new != size else { return false }
            shown = nil
            return true
        }
    }

    mutating func show(_ image: ScreenImage) -> [UInt8] {
        var text = ""
        let isNew = shown?.columns != image.columns
        if isNew { text += Self.entry }
        var attribute: UInt8?
        for row in 0..<min(ScreenImage.rows, size.rows) {
            // Whether the terminal's cursor is where the next letter goes.
            var isThere = false
            for column in 0..<min(image.columns, size.columns) {
                let index = row * image.columns + column
                let cell = image.cells[index]
                guard isNew || shown?.cells[index] != cell else {
                    isThere = false
                    continue
                }
                if !isThere { text += Self.move(column, row) }
                if attribute != cell.attribute { text += Self.colors(cell.attribute) }
                (attribute, isThere) = (cell.attribute, true)
                text.unicodeScalars.append(cell.character)
            }
        }
        if let cursor = image.cursor, cursor.column < size.columns, cursor.row < size.rows {
            text += Self.move(cursor.column, cursor.row) + "\u{1B}[?25h"
        } else {
            text += "\u{1B}[?25l"
        }
        shown = image
        return Array(text.utf8)
    }

    mutating func end(_ image: ScreenImage?) -> [UInt8] {
        TerminalMode.setFarewell("")
        let lines = image?.lines ?? []
        // The terminal's own end of a line may still be that of a raw mode.
        return Array(("\(Self.exit)" + lines.map { $0 + "\r\n" }.joined()).utf8)
    }

    private static func move(_ column: Int, _ row: Int) -> String { "\u{1B}[\(row + 1);\(column + 1)H" }

    /// A PC's colours have blue in bit 0 and red in bit 2, a terminal's the other way round.
    private static func colors(_ attribute: UInt8) -> String {
        func color(_ bits: UInt8) -> UInt8 { (bits & 1) << 2 | bits & 2 | (bits & 4) >> 2 }
        let letter = (attribute & 8 == 0 ? 30 : 90) + color(attribute & 7)
        return "\u{1B}[0;\(letter);\(40 + color(attribute >> 4 & 7))\(attribute & 0x80 == 0 ? "" : ";5")m"
    }
}
