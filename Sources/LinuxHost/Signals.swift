import CLinuxHost
import Glibc
import SystemPackage

/// The real-time signal that ends a thread's system call (`SIGRTMIN + 4`), whose handler is C.
public enum KickSignal {
    public static var number: Int32 { clinux_kick_signal() }

    /// Installs the handler, before any thread accepts the signal. Again and again does no harm.
    ///
    /// - Throws: `HostError` with `.resourceBusy` where the process handles that signal in another way.
    public static func install() throws(HostError) {
        try HostError.check(clinux_install_kick(), "handle the stop signal")
    }

    /// From now on the calling thread takes the signal.
    ///
    /// - Returns: its id.
    @discardableResult
    public static func accept() -> Int32 { clinux_prepare_thread() }

    /// Sends it to a thread of this process.
    ///
    /// - Parameter thread: its id.
    /// - Returns: false where the system has no room for one more signal that waits (RLIMIT_SIGPENDING).
    @discardableResult
    public static func send(to thread: Int32) -> Bool { clinux_kick(thread) != -Int(EAGAIN) }
}

/// Signals of the process that end a run, for a program that wants to stop its machine on SIGINT and the like. Nothing is
/// caught unless the program asks.
public enum StopSignals {
    /// From now on `signal` kicks the thread that it is delivered to and is remembered in ``caught``. It stops a machine at
    /// once only on a thread that lets the signal through, as the main thread does; libdispatch's threads block signals.
    public static func `catch`(_ signal: Int32) throws(HostError) {
        try HostError.check(clinux_catch_signal(signal), "handle signal \(signal)")
    }

    /// The next `signal`, which is caught, signals an event and asks for nothing; those after it are as before. The event must live until
    /// ``endDiversion()``.
    public static func divertNext(_ signal: Int32, to event: borrowing EventFD) {
        clinux_divert_signal(signal, event.number)
    }

    public static func endDiversion() { clinux_divert_signal(0, -1) }

    /// Sends this process a signal, `delay` nanoseconds from now.
    ///
    /// - Returns: what ``cancel(_:)`` takes; nil where the system gives no timer, and the signal is sent at once.
    @discardableResult
    public static func send(_ signal: Int32, after delay: Int64) -> Int? {
        let timer = clinux_signal_later(signal, max(1, delay))
        if timer >= 0 { return Int(timer) }
        kill(getpid(), signal)
        return nil
    }

    /// Sends no signal any more, if it has not been sent.
    public static func cancel(_ timer: Int) { clinux_timer_delete(timer) }

    /// Whether the process ignores a signal, as nohup(1) has it ignore SIGHUP.
    public static func isIgnored(_ signal: Int32) -> Bool {
        clinux_is_ignored(signal) != 0
    }

    /// The last of those signals that came, or nil. It stays: these signals ask for the end of the program, and each run after
    /// it ends at once.
    public static var caught: Int32? {
        let signal = clinux_caught_signal()
        return signal == 0 ? nil : signal
    }
}

/// SIGPIPE, by which a write to a pipe without a reader ends a process that does not ignore it. While a thread
/// holds it back, such a write is an error, EPIPE, and nothing else; whatever the process makes of the signal stays as it is.
public struct BrokenPipeSignal {
    private let wasBlocked: Bool
    private let wasPending: Bool

    /// From now on the calling thread does not take it.
    public static func hold() -> BrokenPipeSignal {
        var pending = sigset_t()
        var before = sigset_t()
        var set = Self.set
        // SAFETY: the sets are the caller's own.
        unsafe sigpending(&pending)
        unsafe pthread_sigmask(SIG_BLOCK, &set, &before)
        return unsafe BrokenPipeSignal(
            wasBlocked: sigismember(&before, SIGPIPE) == 1, wasPending: sigismember(&pending, SIGPIPE) == 1)
    }

    /// Takes one that came meanwhile, and lets the thread take those that come later, unless it did not before. For the thread that
    /// holds it.
    public func release() {
        var set = Self.set
        var now = timespec()
        // One that came before is not this thread's work: it stays.
        // SAFETY: the structures are the caller's own. A signal that interrupts the call is handled, and there is no other to wait for.
        if !wasPending { while unsafe sigtimedwait(&set, nil, &now) < 0, errno == EINTR {} }
        // SAFETY: the same.
        if !wasBlocked { unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil) }
    }

    private static var set: sigset_t {
        var set = sigset_t()
        // SAFETY: the set is the caller's own.
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGPIPE)
        return set
    }
}

/// A timer that kicks the thread that made it, so that a run, or a blocked system call, comes back in time. No thread is
/// needed for it.
public struct KickTimer: ~Copyable {
    private let timer: Int

    /// For the calling thread, disarmed.
    public init() throws(HostError) {
        timer = try HostError.check(clinux_timer_create(clinux_prepare_thread()), "create a timer")
    }

    deinit {
        clinux_timer_delete(timer)
    }

    /// Kicks after `delay` and then each `interval` until it is armed anew, so that a kick which comes while nothing can
    /// be interrupted is not the last. Both in nanoseconds, `delay` at least 1.
    public func arm(after delay: Int64, every interval: Int64) throws(HostError) {
        try HostError.check(clinux_timer_set(timer, max(1, delay), max(0, interval)), "arm a timer")
    }

    public func disarm() {
        _ = clinux_timer_set(timer, 0, 0)
    }
}
