import Glibc
import LinuxHost
import VMM

/// The terminal for the time of a run: its keys go to the guest, commands among them are obeyed, and its settings come back afterwards.
///
/// Concurrency model: made and ended by the program's first thread; the machine's event loop reads the keys in between.
final class Terminal: MachineAttachment {
    /// How many keys may wait for the guest; more are lost, as with any terminal (N_TTY_BUF_SIZE, Linux drivers/tty/n_tty.c).
    static let keyLimit = 4096
    /// How many keys are read at once.
    private static let chunk = 256
    /// How often a process in the background looks whether it has come to the foreground, in nanoseconds: nothing tells it.
    private static let backgroundInterval: Int64 = 250_000_000

    private struct State {
        var keys = TerminalKeys()
        var interrupt = UnreadInterrupt()
        /// How many keys went to the guest, and how many there was no room for.
        var sentCount = 0
        var lostCount = 0
    }

    private let descriptor: Int32
    private let stream: Stream
    private let input: ConsoleInput
    private let control: MachineControl
    private let state = Monitor(State())
    private let watch = Monitor<(EventLoop, EventLoop.Watch)?>(nil)

    /// - Parameters:
    ///   - input: a queue that the guest reads.
    ///   - control: ends the run when the user asks for it.
    init(descriptor: Int32, input: ConsoleInput, control: MachineControl) {
        self.input = input
        self.control = control
        self.descriptor = descriptor
        stream = Stream(descriptor, for: .reading)
    }

    /// Sets the mode.
    func begin(on loop: EventLoop) throws(HostError) {
        _ = try TerminalMode.begin(descriptor)
        let new = try loop.watch(input: stream.number, .control) { [weak self] in self?.readKeys() }
        watch.change { $0 = (loop, new) }
        waitForKeys()
    }

    func end() {
        if let (loop, _) = watch.change({ $0.take() }) { loop.unwatch(stream.number) }
    }

    /// Puts the settings back, and tells of keys that were lost.
    func restore() {
        TerminalMode.end()
        let lost = state.change { state in
            defer { state.lostCount = 0 }
            return state.lostCount
        }
        if lost > 0 {
            StandardStreams.say("\(lost) keys were lost: the guest left \(Self.keyLimit) unread, and no more may wait")
        }
    }

    /// In the background the keys are another's, until the process comes back.
    private func waitForKeys() {
        guard let (loop, watch) = watch.change({ $0 }) else { return }
        if TerminalMode.resume() {
            watch.arm()
        } else {
            loop.after(Self.backgroundInterval, .control) { [weak self] in self?.waitForKeys() }
        }
    }

    private func readKeys() {
        // It may have become another's while it was waited for: reading it would only fail.
        guard TerminalMode.resume() else { return waitForKeys() }
        var bytes = [UInt8](repeating: 0, count: Self.chunk)
        var span = bytes.mutableSpan
        // SAFETY: raw bytes of a byte span are its elements.
        var raw = unsafe span.mutableBytes
        let count = stream.read(into: &raw)
        if count > 0 {
            if obey(bytes.prefix(count)) { waitForKeys() }
        } else if [Int(-EINTR), Int(-EAGAIN)].contains(count) || !TerminalMode.resume() {
            waitForKeys()
        }
    }

    /// - Returns: false after the command to quit.
    private func obey(_ bytes: ArraySlice<UInt8>) -> Bool {
        var sent: [UInt8] = []
        var state = state.change { $0 }
        defer { self.state.change { [state] in $0 = state } }
        for byte in bytes {
            switch state.keys.press(byte) {
            case .send(let key):
                sent.append(key)
                if key == TerminalKeys.controlC {
                    state.interrupt.pressed(count: state.sentCount + sent.count, at: .now)
                    lookAtInterrupt(after: UnreadInterrupt.patience)
                }
            case .nothing: break
            case .help: Self.tell("keys on this terminal:\n\(TerminalKeys.help)")
            case .quit:
                send(sent, &state)
                control.stop()
                return false
            }
        }
        send(sent, &state)
        return true
    }

    /// A terminal's own queue loses keys that nobody reads, too.
    private func send(_ keys: [UInt8], _ state: inout State) {
        let count = input.append(keys)
        state.sentCount += count
        if state.lostCount == 0, count < keys.count {
            Self.tell("the guest leaves \(Self.keyLimit) keys unread: what is typed or pasted now is lost")
        }
        state.lostCount += keys.count - count
    }

    /// Tells, once, whoever pressed Ctrl-C and waits in vain.
    private func lookAtInterrupt(after delay: Duration) {
        guard let (loop, _) = watch.change({ $0 }) else { return }
        loop.after(Int64(delay / .nanoseconds(1)) + 1_000_000, .control) { [weak self] in
            guard let self else { return }
            let isDue = state.change { $0.interrupt.isDue(read: $0.sentCount - input.unreadCount, at: .now) }
            if isDue { Self.tell("the guest has not read Ctrl-C; Ctrl-A x ends the run, Ctrl-A h shows help") }
        }
    }

    /// Only where it can be said at once: the reader must not hang.
    private static func tell(_ text: String) {
        if readiness(of: STDERR_FILENO, POLLOUT) != 0 { StandardStreams.say(text) }
    }
}

/// The window that a console on standard output is shown in, which follows the window's size for the time of a run.
final class WindowWatch: MachineAttachment {
    let window: ConsoleWindow
    private let changes: TerminalSize.Changes
    private let loop = Monitor<EventLoop?>(nil)

    /// Nil where standard output is no terminal. To be made on the program's first thread, before there are others.
    init?() throws(Failure) {
        guard let size = TerminalSize(of: STDOUT_FILENO) else { return nil }
        window = ConsoleWindow(columns: size.columns, rows: size.rows)
        do throws(HostError) { changes = try TerminalSize.Changes() } catch {
            throw Failure(status: .fault, message: error.description)
        }
    }

    func begin(on loop: EventLoop) throws(HostError) {
        self.loop.change { $0 = loop }
        // With the devices: the size of one that is paused stays as it is.
        try loop.watch(changes.number, .devices) { [weak self] in
            self?.changes.take()
            self?.look()
        }
        look()
    }

    func end() {
        if let loop = loop.change({ $0.take() }) { loop.unwatch(changes.number) }
    }

    private func look() {
        guard let size = TerminalSize(of: STDOUT_FILENO) else { return }
        window.resize(columns: size.columns, rows: size.rows)
    }
}
