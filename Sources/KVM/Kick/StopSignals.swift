import CKVM

/// Signals of the process that end a run, for a program that wants to stop its machine on SIGINT and the like. Nothing is
/// caught unless the program asks.
public enum StopSignals {
    /// From now on `signal` kicks the thread that it is delivered to and is remembered in ``caught``. It stops a machine at
    /// once only on a thread that lets the signal through, as the main thread does; libdispatch's threads block signals.
    public static func `catch`(_ signal: Int32) throws(KVMError) {
        let result = ckvm_catch_signal(signal)
        guard result >= 0 else {
            throw .call("handle signal \(signal)", SystemError(code: Int32(truncatingIfNeeded: -result)))
        }
    }

    /// Whether the process ignores a signal, as nohup(1) has it ignore SIGHUP.
    public static func isIgnored(_ signal: Int32) -> Bool {
        ckvm_is_ignored(signal) != 0
    }

    /// The last of those signals that came, or nil. It stays: these signals ask for the end of the program, and each run after
    /// it ends at once.
    public static var caught: Int32? {
        let signal = ckvm_caught_signal()
        return signal == 0 ? nil : signal
    }
}
