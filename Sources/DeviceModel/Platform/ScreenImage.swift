/// What a text screen shows at one moment: its letters with their attributes, and its cursor (IBM VGA, "Alphanumeric Modes").
public struct ScreenImage: Equatable, Sendable {
    /// Where a PC's letters lie, guest-physical, and how many bytes they go round in.
    public static let memory: UInt64 = 0xB8000
    private static let memorySize = 0x8000

    public struct Cell: Equatable, Sendable {
        /// Of code page 437.
        public let code: UInt8
        /// The letter's colour in bits 0 to 3, the ground's in bits 4 to 6; bit 7 has it blink.
        public let attribute: UInt8

        public var character: Unicode.Scalar { CodePage437.scalar(code) }
        /// Whether a reader sees nothing there.
        var isBlank: Bool { code == 0 || code == 0x20 || code == 0xFF }
    }

    public static let rows = 25
    /// 40 or 80.
    public let columns: Int
    /// ``rows`` times ``columns``, from the upper left.
    public let cells: [Cell]
    /// Nil where it is switched off, or elsewhere.
    public let cursor: (column: Int, row: Int)?

    /// Looks at the screen of a guest, which may be writing on it.
    ///
    /// - Returns: nil where the guest has no RAM there.
    public init?(of guest: GuestMemory, _ controller: ScreenController) {
        let view = controller.view
        var bytes = [UInt8](repeating: 0, count: Self.memorySize)
        var span = bytes.mutableSpan
        do { try guest.read(at: GuestAddress(Self.memory), into: &span) } catch { return nil }
        self.init(bytes, view)
    }

    /// - Parameter bytes: 32 KiB.
    init(_ bytes: [UInt8], _ view: ScreenController.View) {
        let (columns, mask) = (view.columns, bytes.count &- 1)
        self.columns = columns
        cells = (0..<Self.rows * columns).map { index in
            let place = (Int(view.start) &+ index) &* 2
            return Cell(code: bytes[place & mask], attribute: bytes[(place &+ 1) & mask])
        }
        let place = view.cursor.map { Int($0) &- Int(view.start) } ?? -1
        cursor = cells.indices.contains(place) ? (place % columns, place / columns) : nil
    }

    subscript(row: Int) -> ArraySlice<Cell> { cells[row * columns..<(row + 1) * columns] }

    /// A line's letters, without blanks at its end.
    func text(_ row: Int) -> String {
        let line = self[row]
        let end = line.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? line.startIndex
        return String(String.UnicodeScalarView(line[..<end].map(\.character)))
    }

    /// All lines but blank ones at the end.
    public var lines: [String] {
        let all = (0..<Self.rows).map(text)
        return Array(all.prefix((all.lastIndex { !$0.isEmpty } ?? -1) + 1))
    }

    /// Whether it has letters, and little else: RAM that is used for something else seldom looks so.
    public var isReadable: Bool {
        let letters = cells.filter { !$0.isBlank }
        return letters.count >= 2 && letters.allSatisfy { 0x20..<0x7F ~= $0.code || 0xB0..<0xE0 ~= $0.code }
    }

    public static func == (one: ScreenImage, other: ScreenImage) -> Bool {
        one.columns == other.columns && one.cells == other.cells && one.cursor?.column == other.cursor?.column
            && one.cursor?.row == other.cursor?.row
    }
}
