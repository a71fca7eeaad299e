import TestSupport
import Testing

@testable import DeviceModel
@testable import swiftvmm

/// A terminal as far as ``ScreenTerminal`` uses one: a second description of what its commands do (ECMA-48).
private struct ModelTerminal {
    struct Cell: Equatable {
        var character: Unicode.Scalar = " "
        var colors = ""
    }

    let columns: Int
    let rows: Int
    private(set) var cells: [[Cell]]
    private(set) var cursor = (column: 0, row: 0)
    private(set) var isCursorVisible = true
    private(set) var isAlternate = false
    private var colors = "0"
    private(set) var fault: String?

    init(columns: Int, rows: Int) {
        (self.columns, self.rows) = (columns, rows)
        cells = Array(repeating: Array(repeating: Cell(), count: columns), count: rows)
    }

    mutating func take(_ bytes: [UInt8]) {
        var rest = String(decoding: bytes, as: UTF8.self).unicodeScalars[...]
        while let next = rest.popFirst() {
            guard next == "\u{1B}" else {
                put(next)
                continue
            }
            guard rest.popFirst() == "[", let end = rest.firstIndex(where: { ("@"..."~").contains($0) }) else {
                fault = "an escape sequence that has no end"
                return
            }
            let arguments = String(rest[..<end])
            let command = rest[end]
            rest = rest[rest.index(after: end)...]
            obey(command, arguments)
        }
    }

    private mutating func put(_ character: Unicode.Scalar) {
        guard cursor.column < columns, cursor.row < rows else {
            fault = "a letter outside the terminal"
            return
        }
        cells[cursor.row][cursor.column] = Cell(character: character, colors: colors)
        cursor.column += 1
    }

    private mutating func obey(_ command: Unicode.Scalar, _ arguments: String) {
        switch (command, arguments) {
        case ("H", _):
            let numbers = arguments.split(separator: ";").compactMap { Int($0) }
            if numbers.count == 2 {
                cursor = (numbers[1] - 1, numbers[0] - 1)
            } else {
                fault = "a move to \(arguments)"
            }
        case ("m", _): colors = arguments
        case ("J", "2"): cells = Array(repeating: Array(repeating: Cell(), count: columns), count: rows)
        case ("h", "?25"): isCursorVisible = true
        case ("l", "?25"): isCursorVisible = false
        case ("h", "?1049"): isAlternate = true
        case ("l", "?1049"): isAlternate = false
        default: fault = "the command \(arguments)\(command)"
        }
    }
}

@Suite("The guest's screen on a terminal")
struct ScreenTerminalTests {
    /// A PC's 16 colours as a terminal numbers them.
    private static let letters = [30, 34, 32, 36, 31, 35, 33, 37, 90, 94, 92, 96, 91, 95, 93, 97]

    private static func image(_ random: inout SplitMix64, changing bytes: inout [UInt8]) -> ScreenImage {
        for _ in 0..<Int(random.next() % 400) {
            bytes[Int(random.next() % 4000)] = UInt8(truncatingIfNeeded: random.next())
        }
        let cursor = UInt16(truncatingIfNeeded: random.next() % 2200)
        let columns = random.next() % 8 == 0 ? 40 : 80
        return ScreenImage(
            bytes, ScreenController.View(columns: columns, start: 0, cursor: cursor % 7 == 0 ? nil : cursor))
    }

    @Test("a terminal that is told of changes shows what is there", arguments: [(80, 25), (100, 40), (61, 20)])
    func shows(columns: Int, rows: Int) throws {
        var random = SplitMix64(seed: UInt64(columns))
        var terminal = ModelTerminal(columns: columns, rows: rows)
        var screen = ScreenTerminal { (columns, rows) }
        terminal.take(screen.begin())
        #expect(terminal.isAlternate)
        var bytes = [UInt8](repeating: 0, count: 0x8000)
        for _ in 0..<50 {
            let image = Self.image(&random, changing: &bytes)
            terminal.take(screen.show(image))
            try #require(terminal.fault == nil)
            for row in 0..<min(25, rows) {
                for column in 0..<min(image.columns, columns) {
                    let cell = image.cells[row * image.columns + column]
                    let attribute = Int(cell.attribute)
                    let colors =
                        "0;\(Self.letters[attribute & 15]);\(Self.letters[attribute >> 4 & 7] + 10)"
                        + (attribute & 0x80 == 0 ? "" : ";5")
                    let wanted = ModelTerminal.Cell(character: cell.character, colors: colors)
                    try #require(terminal.cells[row][column] == wanted, "row \(row), column \(column)")
                }
            }
            let cursor = image.cursor.flatMap { $0.column < columns && $0.row < rows ? $0 : nil }
            #expect(terminal.isCursorVisible == (cursor != nil))
            if let cursor { #expect(terminal.cursor == cursor) }
        }
    }

    @Test("the end brings the usual screen back, with the cursor, and what was there last")
    func ends() {
        var screen = ScreenTerminal { (80, 25) }
        var bytes = [UInt8](repeating: 0, count: 0x8000)
        for (index, byte) in "hello".utf8.enumerated() { bytes[index * 2] = byte }
        let image = ScreenImage(bytes, ScreenController.View(cursor: nil))
        _ = screen.show(image)
        #expect(screen.end(image) == Array("\u{1B}[0m\u{1B}[?25h\u{1B}[?1049lhello\r\n".utf8))
        #expect(screen.end(nil) == Array("\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l".utf8))
    }

    @Test("nothing new takes no more than where the cursor is")
    func quiet() {
        var screen = ScreenTerminal { (80, 25) }
        let image = ScreenImage([UInt8](repeating: 0x41, count: 0x8000), ScreenController.View())
        #expect(screen.show(image).count > 2000)
        #expect(screen.show(image).count < 20)
    }
}
