import Glibc
import LinuxHost
import VMM

/// The terminal for the time of a run: its keys go to the guest, and its settings come back afterwards.
struct Terminal: ~Copyable {
    /// How many keys may wait for the guest; more are lost, as with any terminal (N_TTY_BUF_SIZE, Linux drivers/tty/n_tty.c).
    static let keyLimit = 4096

    private let thread: HelperThread

    /// Sets the mode and begins to read.
    ///
    /// - Parameters:
    ///   - input: a queue that the guest reads.
    ///   - stop: ends the run when the user asks for it.
    init(descriptor: Int32, input: ConsoleInput, stop: StopHandle) throws(HostError) {
        _ = try TerminalMode.begin(descriptor)
        do throws(HostError) {
            let reader = TerminalReader(descriptor: descriptor, input: input, stop: stop)
            thread = try HelperThread { waiter in
                var reader = reader
                reader.run(waiter)
            }
        } catch {
            TerminalMode.end()
            throw error
        }
    }

    /// Puts the settings back. Once.
    func restore() {
        TerminalMode.end()
        thread.stop()
    }
}

/// Reads a terminal's keys on a thread of its own: commands are obeyed, the others go to the guest.
struct TerminalReader: Sendable {
    /// How many keys are read at once.
    private static let chunk = 256
    /// How often a process in the background looks whether it has come to the foreground, in milliseconds: nothing tells it.
    private static let backgroundInterval: Int32 = 250

    private let descriptor: Int32
    private let input: ConsoleInput
    private let stop: StopHandle
    private var keys = TerminalKeys()
    private var interrupt = UnreadInterrupt()
    /// How many keys went to the guest.
    private var sentCount = 0

    init(descriptor: Int32, input: ConsoleInput, stop: StopHandle) {
        self.descriptor = descriptor
        self.input = input
        self.stop = stop
    }

    /// Reads until the terminal ends or the thread is asked to.
    mutating func run(_ waiter: HelperThread.Waiter) {
        while true {
            let isOurs = TerminalMode.resume()
            switch waiter.wait(for: isOurs ? descriptor : nil, milliseconds: patience(isOurs)) {
            case .ended: return
            case .timeout: break
            case .ready: guard readKeys() else { return }
            }
            if interrupt.isDue(read: sentCount - input.unreadCount, at: .now) {
                Self.tell("the guest has not read Ctrl-C; Ctrl-A x ends the run, Ctrl-A h shows help")
            }
        }
    }

    /// How long nothing but a key needs a look, in milliseconds.
    private func patience(_ isOurs: Bool) -> Int32 {
        guard let deadline = interrupt.deadline else { return isOurs ? -1 : Self.backgroundInterval }
        let rest = max(0, (deadline - .now) / .milliseconds(1))
        let wait = Int32(min(rest, 10_000)) + 1
        return isOurs ? wait : min(wait, Self.backgroundInterval)
    }

    /// - Returns: false where there is nothing more to read, or to do.
    private mutating func readKeys() -> Bool {
        // It may have become another's while it was waited for: reading it would only fail.
        guard TerminalMode.resume() else { return true }
        var bytes = [UInt8](repeating: 0, count: Self.chunk)
        // SAFETY: the system fills as many of the bytes as it returns, at most as many as there are.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else {
            if count < 0, errno == EINTR || errno == EAGAIN { return true }
            return !TerminalMode.resume()
        }
        return obey(bytes.prefix(count))
    }

    /// - Returns: false after the command to quit.
    private mutating func obey(_ bytes: ArraySlice<UInt8>) -> Bool {
        var sent: [UInt8] = []
        for byte in bytes {
            switch keys.press(byte) {
            case .send(let key):
                sent.append(key)
                if key == TerminalKeys.controlC { interrupt.pressed(count: sentCount + sent.count, at: .now) }
            case .nothing: break
            case .help: Self.tell("keys on this terminal:\n\(TerminalKeys.help)")
            case .quit:
                sentCount += input.append(sent)
                stop.stop()
                return false
            }
        }
        // A terminal's own queue loses keys that nobody reads, too.
        sentCount += input.append(sent)
        return true
    }

    /// Only where it can be said at once: the reader must not hang.
    private static func tell(_ text: String) {
        var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        // SAFETY: one structure, the caller's own.
        guard unsafe poll(&request, 1, 0) > 0 else { return }
        StandardStreams.say(text)
    }
}

/// The window that a console on standard output is shown in, which follows the window's size until this is stopped.
struct WindowWatch {
    let window: ConsoleWindow
    private let thread: HelperThread

    /// Nil where standard output is no terminal.
    init?() throws(Failure) {
        guard let size = TerminalSize(of: STDOUT_FILENO) else { return nil }
        let window = ConsoleWindow(columns: size.columns, rows: size.rows)
        self.window = window
        do throws(HostError) {
            thread = try TerminalSize.watch {
                guard let size = TerminalSize(of: STDOUT_FILENO) else { return }
                window.resize(columns: size.columns, rows: size.rows)
            }
        } catch {
            throw Failure(status: .fault, message: error.description)
        }
    }

    /// Once.
    func stop() { thread.stop() }
}
