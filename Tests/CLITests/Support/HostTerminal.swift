import Glibc
import KVM
import LinuxHost
import Testing

/// A terminal for the program under test, with the test in the place of the user.
final class HostTerminal: Sendable {
    /// What tcgetattr(3) tells, whole.
    struct Settings: Equatable {
        let flags: [UInt32]
        let characters: [UInt8]

        /// Whether keys come at once and as they are, without echo, and output is processed as it was.
        func isRaw(of cooked: Settings) -> Bool {
            let input = UInt32(ICRNL | INLCR | IGNCR | IXON | IXOFF | ISTRIP | BRKINT)
            let local = UInt32(ICANON | ECHO | ISIG | IEXTEN)
            return flags[0] & input == 0 && flags[1] == cooked.flags[1] && flags[2] == cooked.flags[2]
                && flags[3] & local == 0
        }
    }

    /// Where the program opens it.
    let path: String
    private let line: HostLine

    /// All that came to the screen so far.
    var screen: [UInt8] { line.received }

    var text: String { line.text }

    /// As a login shell has it.
    init() throws {
        let descriptor: Int32
        (descriptor, path) = try TerminalMode.makePair()
        line = HostLine(descriptor)
    }

    private var attributes: termios {
        get {
            var attributes = termios()
            // SAFETY: the structure is the caller's own.
            unsafe tcgetattr(line.descriptor, &attributes)
            return attributes
        }
        set {
            var attributes = newValue
            // SAFETY: the structure is the caller's own.
            unsafe tcsetattr(line.descriptor, TCSANOW, &attributes)
        }
    }

    var settings: Settings {
        var attributes = attributes
        // SAFETY: the array is the structure's own.
        let characters = unsafe withUnsafeBytes(of: &attributes.c_cc) { unsafe Array($0) }
        return Settings(
            flags: [attributes.c_iflag, attributes.c_oflag, attributes.c_cflag, attributes.c_lflag],
            characters: characters)
    }

    /// Makes the terminal another size; whoever it controls is told.
    func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        // SAFETY: the structure is the caller's own.
        _ = unsafe withUnsafeMutablePointer(to: &size) { unsafe ioctl(line.descriptor, UInt(TIOCSWINSZ), $0) }
    }

    /// Turns echo and lines on, as a shell does for itself when it stops a program.
    func makeCooked() {
        attributes.c_lflag |= UInt32(ICANON | ECHO | ISIG)
    }

    /// The user goes away.
    func hangUp() { line.close() }

    func press(_ keys: String) throws { try line.send(Array(keys.utf8)) }

    func press(_ keys: [UInt8]) throws { try line.send(keys) }

    /// Takes what has come to the screen.
    func look() { line.look() }

    /// Waits until the screen shows this text.
    func wait(for text: String) async throws { try await line.wait(for: text) }

    /// Waits until the program has set its mode.
    func waitUntilRaw(of cooked: Settings) async throws {
        try await wait(for: "raw mode") { self.settings.isRaw(of: cooked) }
    }

    func wait(for what: String, _ condition: () -> Bool) async throws { try await line.wait(for: what, condition) }
}
