import CKVM

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
    public static func begin(_ descriptor: Int32) throws(KVMError) -> Bool {
        let result = ckvm_terminal_begin(descriptor)
        guard result >= 0 else {
            throw .call("set the terminal's mode", SystemError(code: Int32(truncatingIfNeeded: -result)))
        }
        return result > 0
    }

    /// Takes the terminal if the process has come to the foreground since. From any thread.
    ///
    /// - Returns: whether it is this process's to read; also true where it has failed, which reading it will show.
    public static func resume() -> Bool {
        ckvm_terminal_resume() != 0
    }

    /// Puts the settings back. From any thread; again and again does no harm.
    public static func end() {
        ckvm_terminal_end()
    }

    /// Makes a pseudo-terminal.
    ///
    /// - Returns: the open first side, and the path by which programs open the other one.
    public static func makePair() throws(SystemError) -> (descriptor: Int32, path: String) {
        var name = [CChar](repeating: 0, count: 64)
        // SAFETY: the call fills the array, whose size it is told, with a string and its end.
        let result = unsafe ckvm_terminal_make_pair(&name, name.count)
        guard result >= 0 else { throw SystemError(code: Int32(truncatingIfNeeded: -result)) }
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (Int32(truncatingIfNeeded: result), path)
    }

    /// Lets bytes pass a terminal unchanged both ways. There is no way back: it is for a pseudo-terminal of one's own.
    public static func makeTransparent(_ descriptor: Int32) throws(SystemError) {
        let result = ckvm_terminal_make_transparent(descriptor)
        guard result >= 0 else { throw SystemError(code: Int32(truncatingIfNeeded: -result)) }
    }
}
