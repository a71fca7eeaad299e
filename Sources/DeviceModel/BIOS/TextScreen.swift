/// The letters of a PC's screen: eight pages of character and attribute in 32 KiB of RAM, as the data area says that they lie there. Both
/// are the guest's to change; what makes no sense is taken as the usual.
struct TextScreen {
    /// Of the area that INT 10h AH=06h and 07h scroll.
    struct Window {
        let left: UInt8
        let top: UInt8
        let right: UInt8
        let bottom: UInt8
    }

    /// Guest-physical.
    private static let start = ScreenImage.memory
    private static let size = 0x8000
    private static let standardAttribute: UInt8 = 0x07

    let memory: RealModeMemory
    let columns: UInt16
    let rows: UInt16
    private let pageSize: UInt16
    /// The one that is shown.
    let page: UInt8

    init(memory: RealModeMemory) {
        self.memory = memory
        let columns = memory.load(UInt16.self, at: BIOSDataArea.columns)
        self.columns = (1...132).contains(columns) ? columns : 80
        let last = UInt16(memory.load(UInt8.self, at: BIOSDataArea.lastRow))
        rows = (1...59).contains(last) ? last &+ 1 : 25
        pageSize = memory.load(UInt16.self, at: BIOSDataArea.pageSize)
        page = memory.load(UInt8.self, at: BIOSDataArea.page) & 7
    }

    /// From the start of the memory, in bytes: it goes round at the end.
    func offset(column: UInt8, row: UInt8, page: UInt8) -> UInt64 {
        offset(cell: UInt64(row) &* UInt64(columns) &+ UInt64(column), page: page)
    }

    private func offset(cell: UInt64, page: UInt8) -> UInt64 {
        (UInt64(pageSize) &* UInt64(page & 7) &+ cell &* 2) & UInt64(Self.size &- 2)
    }

    /// Column in the low byte, and row.
    func cursor(page: UInt8) -> UInt16 {
        page < 8 ? memory.load(UInt16.self, at: BIOSDataArea.cursors &+ UInt64(page) &* 2) : 0
    }

    func clearAll() {
        memory.write(Self.blanks(Self.size / 2, Self.standardAttribute), at: Self.start)
    }

    private static func blanks(_ count: Int, _ attribute: UInt8) -> [UInt8] {
        var cells = [UInt8](repeating: attribute, count: count * 2)
        for index in stride(from: 0, to: cells.count, by: 2) { cells[index] = 0x20 }
        return cells
    }

    /// Character in the low byte, and attribute.
    func cell(at cursor: UInt16, page: UInt8) -> UInt16 {
        memory.load(UInt16.self, at: Self.start &+ offset(column: cursor.low, row: cursor.high, page: page))
    }

    /// Writes a character several times, on into the next lines, and over the end of the page.
    ///
    /// - Parameter attribute: nil to leave those that are there.
    func fill(_ character: UInt8, attribute: UInt8?, count: Int, at cursor: UInt16, page: UInt8) {
        let first = UInt64(cursor.high) &* UInt64(columns) &+ UInt64(cursor.low)
        for index in 0..<UInt64(min(count, Self.size / 2)) {
            let place = Self.start &+ offset(cell: first &+ index, page: page)
            memory.store(character, at: place)
            if let attribute { memory.store(attribute, at: place &+ 1) }
        }
    }

    /// All lines go up by one; the new one has the last one's attributes.
    func scrollUp(page: UInt8) {
        let line = Int(columns) &* 2
        let count = line &* Int(rows)
        let start = Self.start &+ offset(column: 0, row: 0, page: page)
        guard var cells = memory.bytes(at: start, count: count) else { return }
        let last = Array(cells.suffix(line))
        cells.removeFirst(line)
        cells += last.enumerated().map { $0.offset & 1 == 0 ? 0x20 : $0.element }
        memory.write(cells, at: start)
    }

    /// - Parameter lines: 0 for all, which clears the window.
    func scroll(_ window: Window, by lines: Int, isUp: Bool, attribute: UInt8) {
        let (left, top) = (Int(window.left), Int(window.top))
        let right = min(Int(window.right), Int(columns) &- 1)
        let bottom = min(Int(window.bottom), Int(rows) &- 1)
        guard left <= right, top <= bottom else { return }
        let (width, height) = (right &- left &+ 1, bottom &- top &+ 1)
        let distance = lines == 0 || lines >= height ? height : lines
        let blank = Self.blanks(width, attribute)
        for step in 0..<height {
            let row = isUp ? top &+ step : bottom &- step
            let source = isUp ? row &+ distance : row &- distance
            let cells =
                (top...bottom).contains(source)
                ? memory.bytes(at: place(left, source), count: width &* 2) ?? blank : blank
            memory.write(cells, at: place(left, row))
        }
    }

    private func place(_ column: Int, _ row: Int) -> UInt64 {
        let cell = UInt64(truncatingIfNeeded: row &* Int(columns) &+ column)
        return Self.start &+ offset(cell: cell, page: page)
    }
}
