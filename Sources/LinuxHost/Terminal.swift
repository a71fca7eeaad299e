import CLinuxHost
import Glibc
import SystemPackage

/// The settings of a terminal whose keys go to a guest as they are. Nothing is changed unless the program asks.
///
/// Between ``begin(_:)`` and ``end()`` each key comes at once and unchanged; none is echoed, and none raises a signal. Output is
/// processed as before, so that a plain line feed begins a new line. Signals that end the process, a crash among them, put the
/// settings back before they do; SIGTSTP puts them back while the process is stopped, and SIGCONT takes the terminal again. A
/// process in the background leaves the terminal alone, which is another's then.
public enum TerminalMode {
    /// Takes the terminal. A crash by a stack that ran over is seen on the calling thread.
    ///
    /// - Returns: whether it is this process's to read; false in the background.
    public static func begin(_ descriptor: Int32) throws(HostError) -> Bool {
        let result = clinux_terminal_begin(descriptor)
        guard result >= 0 else {
            throw HostError("set the terminal's mode", Errno(negated: result))
        }
        return result > 0
    }

    /// Takes the terminal if the process has come to the foreground since. From any thread.
    ///
    /// - Returns: whether it is this process's to read; also true where it has failed, which reading it will show.
    public static func resume() -> Bool {
        clinux_terminal_resume() != 0
    }

    /// Puts the settings back. From any thread; again and again does no harm.
    public static func end() {
        clinux_terminal_end()
    }

    /// What is written to standard output before a signal ends or stops the process, if the terminal takes it at once: for a program that
    /// shows its alternate screen.
    public static func setFarewell(_ text: StaticString) {
        // SAFETY: the text is the program's own, ends with a zero, and stays.
        text.withUTF8Buffer { text in
            unsafe clinux_terminal_set_farewell(
                UnsafeRawPointer(text.baseAddress)?.assumingMemoryBound(to: CChar.self))
        }
    }

    /// How often the process has gone on after a stop, in which the terminal was another's.
    public static var continuations: Int32 { clinux_terminal_continuations() }

    /// Makes a pseudo-terminal.
    ///
    /// - Returns: the open first side, and the path by which programs open the other one.
    public static func makePair() throws(Errno) -> (descriptor: Int32, path: String) {
        var name = [CChar](repeating: 0, count: 64)
        // SAFETY: the call fills the array, whose size it is told, with a string and its end.
        let result = unsafe clinux_terminal_make_pair(&name, name.count)
        guard result >= 0 else { throw Errno(negated: result) }
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (Int32(truncatingIfNeeded: result), path)
    }

    /// Lets bytes pass a terminal unchanged both ways. There is no way back: it is for a pseudo-terminal of one's own.
    public static func makeTransparent(_ descriptor: Int32) throws(Errno) {
        let result = clinux_terminal_make_transparent(descriptor)
        guard result >= 0 else { throw Errno(negated: result) }
    }
}

/// The size of a terminal, and when it changes.
public struct TerminalSize: Equatable, Sendable {
    /// In characters; 0 where the terminal does not know.
    public let columns: UInt16
    public let rows: UInt16

    /// Nil where the descriptor is no terminal's.
    public init?(of descriptor: Int32) {
        let size = clinux_terminal_size(descriptor)
        guard size >= 0 else { return nil }
        columns = UInt16(truncatingIfNeeded: size)
        rows = UInt16(truncatingIfNeeded: size >> 16)
    }

    /// Tells when the size of the process's terminal may have changed (SIGWINCH). To be made on the program's first thread, before others
    /// are made but by ``SystemThread``: from then on none takes that signal.
    public struct Changes: ~Copyable, Sendable {
        private let descriptor: OwnedDescriptor

        public init() throws(HostError) {
            let number = try HostError.check(clinux_terminal_watch_size(), "watch the terminal's size")
            descriptor = OwnedDescriptor(number: Int32(truncatingIfNeeded: number))
        }

        /// What poll(2) finds readable when it may have.
        public var number: Int32 { descriptor.number }

        /// From now on it tells of later changes.
        public func take() {
            // One structure for each signal that waits, of which there is one at most (signalfd(2)).
            var signals = [UInt8](repeating: 0, count: 128)
            // SAFETY: the system fills at most as many bytes as there are.
            _ = unsafe signals.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, $0.count) }
        }
    }
}
