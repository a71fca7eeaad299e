import TestSupport
import Testing

@testable import DeviceModel

@Suite("What a text screen shows")
struct ScreenImageTests {
    /// 32 KiB in which each letter is known by its place.
    private static let memory: [UInt8] = (0..<0x4000).flatMap { [UInt8($0 % 251), UInt8($0 % 241)] }

    private static func blank(with text: [String]) -> [UInt8] {
        var memory = [UInt8](repeating: 0, count: 0x8000)
        for (row, line) in text.enumerated() {
            for (column, byte) in line.utf8.enumerated() { memory[(row * 80 + column) * 2] = byte }
        }
        return memory
    }

    @Test("letters and cursor count from where the controller says, and go round")
    func start() throws {
        for start in [0, 80, 0x3FFF, 0xFFFF] as [UInt16] {
            let cursor = start &+ 81
            let image = ScreenImage(Self.memory, ScreenController.View(columns: 80, start: start, cursor: cursor))
            #expect(image.cells.count == 2000)
            for (index, cell) in image.cells.enumerated() {
                let place = (Int(start) + index) % 0x4000
                #expect(cell == ScreenImage.Cell(code: UInt8(place % 251), attribute: UInt8(place % 241)))
            }
            // A cursor that the controller counts round is elsewhere.
            let isSeen = UInt32(start) + 81 <= 0xFFFF
            #expect(image.cursor?.column == (isSeen ? 1 : nil))
            #expect(image.cursor?.row == (isSeen ? 1 : nil))
        }
    }

    @Test("the guest's writes to the controller choose what is shown")
    func controller() throws {
        let screen = ScreenController()
        #expect(screen.view == ScreenController.View())
        for (index, value) in [(0x0C, 0x01), (0x0D, 0x40), (0x0E, 0x01), (0x0F, 0x45), (0x01, 39)] as [(UInt64, UInt64)]
        {
            screen.write(offset: 0, width: 1, value: index)
            screen.write(offset: 1, width: 1, value: value)
        }
        #expect(screen.view == ScreenController.View(columns: 40, start: 0x140, cursor: 0x145))
        let image = ScreenImage(Self.memory, screen.view)
        #expect(image.cells.count == 1000)
        #expect(image.cursor?.column == 5)
        screen.write(offset: 0, width: 2, value: 0x200A)
        #expect(screen.view.cursor == nil)
    }

    @Test("any registers and any memory give an image")
    func random() {
        var random = SplitMix64(seed: 31)
        for _ in 0..<200 {
            let screen = ScreenController()
            for index in 0..<32 as Range<UInt64> {
                screen.write(offset: 0, width: 1, value: index)
                screen.write(offset: 1, width: 1, value: random.next() & 0xFF)
            }
            let memory = (0..<0x8000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let image = ScreenImage(memory, screen.view)
            #expect(image.lines.count <= ScreenImage.rows)
            #expect(image.cursor.map { $0.column < image.columns && $0.row < ScreenImage.rows } ?? true)
            // Nothing that a guest puts there is a command to a terminal.
            #expect(image.lines.joined().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0 ~= $0.value) })
        }
    }

    @Test("a line ends with its last letter, and the lines with the last that has one")
    func text() {
        let image = ScreenImage(Self.blank(with: ["one  ", "", " two"]), ScreenController.View())
        #expect(image.lines == ["one", "", "\u{20}two"])
        #expect(image.isReadable)
        #expect(!ScreenImage(Self.memory, ScreenController.View()).isReadable)
        #expect(!ScreenImage(Self.blank(with: []), ScreenController.View()).isReadable)
        #expect(Set((0x20...0xFE).map { CodePage437.scalar($0) }).count == 0xFE - 0x1F)
    }

    @Test("lines that scroll off are told once each, in order, whatever is seen of the scrolling")
    func scrolls() {
        var random = SplitMix64(seed: 7)
        for round in 0..<100 {
            var (lines, printed, all) = (ScreenLines(), [String](), [String]())
            // A screen that is written on line by line, some at once and a last one in parts.
            for number in 0..<Int(random.next() % 200) {
                all.append(random.next() % 5 == 0 ? "" : "\(number) is a line")
                if all.last != "", random.next() % 6 == 0 {
                    let view = Array(all.suffix(25))
                    let part =
                        random.next() % 2 == 0
                        ? Array(view.dropLast()) + [String(view[view.count - 1].prefix(3))] : view
                    printed += lines.take(ScreenImage(Self.blank(with: part), ScreenController.View()))
                }
            }
            // Blanks at the end cannot be seen.
            while all.last == "" { all.removeLast() }
            printed += lines.finish(ScreenImage(Self.blank(with: Array(all.suffix(25))), ScreenController.View()))
            if !lines.hasGap { #expect(printed == all, "round \(round)") }
        }
    }

    @Test("a screen that is cleared is printed, and one that is written over is not")
    func clears() {
        var lines = ScreenLines()
        func image(_ text: [String]) -> ScreenImage { ScreenImage(Self.blank(with: text), ScreenController.View()) }
        #expect(lines.take(image(["a", "b"])) == [])
        #expect(lines.take(image([])) == ["a", "b"])
        #expect(lines.take(image(["c", "d", "e"])) == [])
        #expect(lines.take(image(["x", "d", "z"])) == [])
        #expect(lines.finish(image(["x", "d", "z"])) == ["x", "d", "z"])
        #expect(!lines.hasGap)
        _ = lines.take(image((0..<25).map { "first \($0)" }))
        _ = lines.take(image((0..<25).map { "later \($0)" }))
        #expect(lines.hasGap)
    }
}
