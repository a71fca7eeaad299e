import Glibc
import TestSupport
import Testing

/// Boot sectors by the command: keys, the game, and what is said of them.
@Suite("Boot sectors by the command", .serialized)
struct BootSectorCommandTests {
    private let scratch: Scratch
    private let game = Guests.path("boot-game.bin")

    init() throws {
        scratch = try Scratch()
    }

    /// A board of the game: eight numbers and the gap, which is 0, four bits each from the lowest on.
    private struct Board: Hashable {
        private var places: UInt64

        static let solved = Board(places: [1, 2, 3, 4, 5, 6, 7, 8, 0])

        /// The last one on a screen.
        init?(_ screen: String) {
            let lines = screen.split(whereSeparator: \.isNewline).suffix(3)
            let words = lines.flatMap { $0.split(separator: " ") }
            guard screen.utf8.last == 0x0A, lines.count == 3, words.count == 9 else { return nil }
            let places = words.compactMap { $0 == "." ? 0 : UInt64($0) }
            guard places.sorted() == [0, 1, 2, 3, 4, 5, 6, 7, 8] else { return nil }
            self.init(places: places)
        }

        private init(places: [UInt64]) {
            self.places = places.reversed().reduce(0) { $0 << 4 | $1 }
        }

        /// The board after a move, of the number at a place into the gap.
        private func moving(from place: Int, to gap: Int) -> Board {
            let number = places >> UInt64(place * 4) & 0xF
            var board = self
            board.places ^= number << UInt64(place * 4) | number << UInt64(gap * 4)
            return board
        }

        /// The boards one move away, with the arrow key that leads there.
        var moves: [(key: String, board: Board)] {
            let gap: Int = (0..<9).first(where: { places >> UInt64($0 * 4) & 0xF == 0 }) ?? 0
            let all: [(key: String, distance: Int, isThere: Bool)] = [
                ("A", 3, gap < 6), ("B", -3, gap > 2), ("D", 1, gap % 3 < 2), ("C", -1, gap % 3 > 0),
            ]
            return all.filter(\.isThere).map { ("\u{1B}[\($0.key)", moving(from: gap + $0.distance, to: gap)) }
        }

        /// The arrow keys that solve it.
        var solution: [String] {
            // From the end to here, where each board knows the key that it was left by.
            var next: [Board: (key: String, board: Board)] = [:]
            var layer = [Board.solved]
            let back = ["A": "B", "B": "A", "C": "D", "D": "C"]
            while next[self] == nil, !layer.isEmpty {
                var following: [Board] = []
                for board in layer {
                    for (key, other) in board.moves where next[other] == nil && other != .solved {
                        next[other] = ("\u{1B}[\(back[String(key.suffix(1))] ?? "")", board)
                        following.append(other)
                    }
                }
                layer = following
            }
            var (keys, board): ([String], Board) = ([], self)
            while board != .solved, let step = next[board] {
                keys.append(step.key)
                board = step.board
            }
            return keys
        }
    }

    @Test("the game in a boot sector is played on a terminal, with arrow keys, to its end", .requiresKVM)
    func plays() async throws {
        let (terminal, scratch, game) = (try HostTerminal(), scratch, game)
        let cooked = terminal.settings
        let outcome = try await scratch.use(terminal, "run", game) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            func board() -> Board? { Board(terminal.text) }
            try await terminal.wait(for: "a board") { board() != nil }
            let first = try #require(board())
            var expected = first
            let keys = first.solution
            try #require(keys.count % 2 == 1 && !keys.isEmpty)
            for key in keys.dropLast() {
                try terminal.press(key)
                expected = try #require(expected.moves.first { $0.key == key }).board
                try await terminal.wait(for: "the move") { board() == expected }
            }
            try terminal.press(try #require(keys.last))
            try await terminal.wait(for: "Solved in \(keys.count) moves!")
        }
        #expect(outcome.status == 0, "\(outcome)")
    }

    @Test("who gives up says so by q, and the terminal is as it was", .requiresKVM)
    func givesUp() async throws {
        let (terminal, scratch, game) = (try HostTerminal(), scratch, game)
        let cooked = terminal.settings
        let outcome = try await scratch.use(terminal, "run", game) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("q")
            try await terminal.wait(for: "Another time.")
        }
        #expect(outcome.status == 1, "\(outcome)")
        #expect(terminal.settings == cooked)
    }

    @Test("a file's lines are typed, and with --console uart they are the serial port's", .requiresKVM)
    func input() async throws {
        // Takes a key and prints it until it is Enter, then halts: xor %ax, %ax; int $0x16; mov $0xe, %ah; int $0x10; …
        let code: [UInt8] = [
            0x31, 0xC0, 0xCD, 0x16, 0xB4, 0x0E, 0xCD, 0x10, 0x3C, 0x0D, 0x75, 0xF4, 0xFA, 0xF4,
        ]
        try scratch.write(code, to: "keys.bin")
        try scratch.write(Array("Typed: 100%?\nmore".utf8), to: "text")
        let typed = try await scratch.swiftvmm(
            "run", "keys.bin", "--format", "boot-sector", redirection: "<text")
        #expect(typed.status == 0, "\(typed)")
        #expect(typed.text == "Typed: 100%?\r")
        let waits = try await scratch.swiftvmm(
            "run", "keys.bin", "--format", "boot-sector", "--console", "uart", "--timeout", "1", redirection: "<text")
        #expect(waits.status == 124, "\(waits)")
        #expect(waits.text == "")
    }

    @Test("a service that is not there is the last line, with status 125", .requiresKVM)
    func absentService() async throws {
        try scratch.write([0xB8, 0x13, 0x00, 0xCD, 0x10], to: "graphics.bin")
        let outcome = try await scratch.swiftvmm("run", "graphics.bin", "--format", "boot-sector")
        #expect(outcome.status == 125)
        #expect(outcome.lastError == "swiftvmm: the BIOS here has no such service: INT 10h AX=0013h at 0000:7c03")
    }

    @Test("inspect says what it is and what it would be")
    func inspects() async throws {
        let outcome = try await scratch.swiftvmm("inspect", game)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text.contains("boot sector, because 55 AA stands at offset 510"), "\(outcome)")
        #expect(outcome.text.contains("enters it in real mode at 0x7c00"), "\(outcome)")
    }

    @Test("interrupt controllers of another kind are refused", .requiresAnyKVM)
    func refusesControllers() async throws {
        let outcome = try await scratch.swiftvmm("run", game, "--irqchip", "none")
        #expect(outcome.status != 0)
        #expect(outcome.lastError.contains("a boot sector's BIOS has a timer and a keyboard"), "\(outcome)")
    }
}
