import Foundation
import Glibc
import TestSupport
import Testing

@testable import swiftvmm

/// `--screen` by the command.
@Suite("The guest's screen by the command")
struct ScreenCommandTests {
    private let scratch: Scratch
    private let game = Guests.path("boot-game.bin")
    /// mov $0xb800, %ax; mov %ax, %ds; movl $0x0a690748, 0; cli; hlt
    private static let code: [UInt8] = [
        0xB8, 0x00, 0xB8, 0x8E, 0xD8, 0x66, 0xC7, 0x06, 0x00, 0x00, 0x48, 0x07, 0x69, 0x0A, 0xFA, 0xF4,
    ]

    init() throws {
        scratch = try Scratch()
    }

    @Test("text prints its lines, before or behind the image", .requiresKVM)
    func text() async throws {
        let image = try scratch.write(Self.code, to: "screen.bin")
        for words in [["--screen", "text", image], [image, "--screen=text"]] {
            let outcome = try await scratch.swiftvmm(["run"] + words)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.text == "Hi\n")
            #expect(outcome.errors == "")
        }
    }

    @Test("a guest that prints nothing else is told how its screen is seen", .requiresKVM)
    func hint() async throws {
        let outcome = try await scratch.swiftvmm("run", try scratch.write(Self.code, to: "screen.bin"))
        #expect(outcome.status == 0)
        #expect(
            outcome.lastError
                == "swiftvmm: the guest halted; the guest printed nothing: its text screen has letters on it, which --screen text prints"
        )
    }

    @Test("where standard output is no terminal it cannot be shown, and that is said")
    func noTerminal() async throws {
        let outcome = try await scratch.swiftvmm("run", game, "--screen")
        #expect(outcome.status == 64, "\(outcome)")
        #expect(
            outcome.lastError
                == "swiftvmm: --screen shows the guest's screen on a terminal, and standard output is none; use --screen text"
        )
    }

    @Test(
        "on a terminal it is on the alternate screen, keys come, and the usual one comes back with the last board",
        .requiresKVM)
    func terminal() async throws {
        let (terminal, scratch, game) = (try HostTerminal(), scratch, game)
        terminal.resize(columns: 80, rows: 25)
        let cooked = terminal.settings
        let outcome = try await scratch.use(terminal, "run", "--screen", game) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            // What comes in parts has no place to be waited for.
            try terminal.press("q")
            try await terminal.wait(for: "\u{1B}[?1049lPut the numbers in order")
        }
        #expect(outcome.status == 1, "\(outcome)")
        #expect(terminal.settings == cooked)
        #expect(terminal.text.hasPrefix("\u{1B}[?1049h"))
        #expect(terminal.text.contains("Another time."))
        #expect(outcome.errors == "swiftvmm: the guest ended with status 1\n")
    }

    @Test("what consoles print meanwhile is told, with its size", .requiresKVM)
    func hidden() async throws {
        let (terminal, scratch) = (try HostTerminal(), scratch)
        terminal.resize(columns: 80, rows: 24)
        // mov $0x78, %al; out %al, $0xe9
        let image = try scratch.write([0xB0, 0x78, 0xE6, 0xE9] + Self.code, to: "both.bin")
        let outcome = try await scratch.use(terminal, "run", image, "--screen") { _ in
            try await terminal.wait(for: "\u{1B}[?1049lHi")
        }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
            outcome.errors.contains(
                "the terminal has 80 columns and 24 rows; what of the guest's 80 and 25 does not fit is cut off"))
        #expect(
            outcome.errors.contains(
                "1 bytes that the guest printed by debug are lost: the terminal had its screen; --screen text shows both"
            ))
    }

    /// mov $0xb800, %ax; mov %ax, %ds; 1: incw (%si); add $2, %si; jmp 1b: letters change all the time, and nothing is an exit.
    private static let restless: [UInt8] = [0xB8, 0x00, 0xB8, 0x8E, 0xD8, 0xFF, 0x04, 0x83, 0xC6, 0x02, 0xEB, 0xF9]

    @Test("a terminal that nobody reads keeps no command from being obeyed", .requiresKVM)
    func stalled() async throws {
        let (terminal, scratch) = (try HostTerminal(), scratch)
        let cooked = terminal.settings
        let image = try scratch.write(Self.restless, to: "restless.bin")
        let outcome = try await scratch.use(terminal, "run", image, "--screen", "--format", "flat") { _ in
            while !terminal.settings.isRaw(of: cooked) { try await Task.sleep(for: .milliseconds(10)) }
            // It fills up meanwhile.
            try await Task.sleep(for: .milliseconds(300))
            try terminal.press("\u{1}x")
        }
        #expect(outcome.status == 130, "\(outcome)")
    }

    @Test("output that cannot be written ends a guest that makes no exits", .requiresKVM)
    func full() async throws {
        // Letters, a clear screen, and so on.
        let code: [UInt8] = [
            0xB8, 0x00, 0xB8, 0x8E, 0xD8, 0xC7, 0x06, 0x00, 0x00, 0x41, 0x07, 0x49, 0x75, 0xFD, 0xC7, 0x06, 0x00, 0x00,
            0x00, 0x00, 0x49, 0x75, 0xFD, 0xEB, 0xEC,
        ]
        let image = try scratch.write(code, to: "blink.bin")
        let outcome = try await scratch.swiftvmm(
            "run", image, "--screen", "text", "--timeout", "250", redirection: ">/dev/full")
        #expect(outcome.status == 74, "\(outcome)")
    }

    @Test("the keyboard has standard input whatever the serial port is connected to", .requiresKVM)
    func keyboardBesideSerial() async throws {
        let (terminal, scratch, game) = (try HostTerminal(), scratch, game)
        let cooked = terminal.settings
        let outcome = try await scratch.use(terminal, "run", "--screen", game, "--serial", "file:serial.out") { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("q")
            try await terminal.wait(for: "\u{1B}[?1049lPut the numbers in order")
        }
        #expect(outcome.status == 1, "\(outcome)")
        try scratch.write(Array("q".utf8), to: "keys")
        let text = try await scratch.swiftvmm(
            "run", game, "--screen", "text", "--serial", "null", redirection: "<keys")
        #expect(text.status == 1, "\(text)")
        #expect(text.text.contains("Another time."))
    }

    @Test("at a stop it leaves the alternate screen, and then draws all again", .requiresKVM)
    func stopped() async throws {
        let (terminal, scratch, game) = (try HostTerminal(), scratch, game)
        let cooked = terminal.settings
        let entry = ScreenTerminal.entry
        let outcome = try await scratch.use(terminal, "run", "--screen", game) { session in
            try await terminal.waitUntilRaw(of: cooked)
            try await terminal.wait(for: "the screen") { terminal.text.contains(entry) }
            let count = terminal.text.components(separatedBy: entry).count
            // Nobody could continue it, so that it goes on at once.
            try session.send(SIGTSTP)
            try await terminal.wait(for: "\(ScreenTerminal.exit)")
            try await terminal.wait(for: "all anew") { terminal.text.components(separatedBy: entry).count > count }
            try terminal.press("q")
        }
        #expect(outcome.status == 1, "\(outcome)")
        #expect(terminal.settings == cooked)
    }
}
