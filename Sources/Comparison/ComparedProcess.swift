import CContainer
import Glibc
import LinuxHost
import Synchronization
import SystemPackage

/// A child whose output is read through pipes. It does not outlive its owner.
final class ComparedProcess {
    /// How a process ended.
    struct End {
        /// As `swiftvmm` tells it; 128 and the signal's number for one that a signal ended.
        let status: Int32
        /// User and system.
        let cpuSeconds: Double
    }

    /// What a child may take that a quiet machine needs a second for: one that has not ended by then hangs. In seconds.
    static let patience = 180.0

    let output: Pipe
    let errors: Pipe
    /// Nil where its input is empty.
    let input: Pipe?
    private let id: pid_t
    /// Comes ten seconds before SIGKILL, for a process that must clean up; 0 gives it the time alone.
    private let endSignal: Int32?
    private var watchdog: Watchdog?
    private var isOver = false

    /// - Parameters:
    ///   - words: what it is given, its name first.
    ///   - report: another output, which the child finds by the path ``Pipe/childPath``.
    init(
        program: String, words: [String], hasInput: Bool = false, report: Pipe? = nil, endSignal: Int32? = nil
    ) throws(ComparisonError) {
        (output, errors, input) = (try Pipe(), try Pipe(), hasInput ? try Pipe() : nil)
        self.endSignal = endSignal
        id = try Self.spawn(program, words, input: input, outputs: [output, errors], report: report)
        // From now on only the child has these ends, so that their end is its end.
        for pipe in [output, errors, report] { pipe?.closeWriter() }
        input?.closeReader()
    }

    deinit {
        watchdog?.stop()
        guard !isOver else { return }
        input?.closeWriter()
        if let endSignal, kill(id, endSignal) == 0, hasEndedSoon() { return }
        kill(id, SIGKILL)
        while waitpid(id, nil, 0) < 0, errno == EINTR {}
    }

    /// Waits ten seconds at most.
    private func hasEndedSoon() -> Bool {
        for _ in 0..<1000 {
            guard waitpid(id, nil, WNOHANG) == 0 else { return true }
            usleep(10_000)
        }
        return false
    }

    /// From now on it is killed when so many seconds have passed, until it is waited for: whoever reads its output is not held up
    /// for ever. To be called once.
    func watch(for seconds: Double) throws(ComparisonError) {
        watchdog = try Watchdog(id, seconds: seconds)
    }

    /// Whether it was killed because its time was over.
    var wasKilledByWatchdog: Bool { watchdog?.hasBitten ?? false }

    /// Waits for its end; to be called once.
    func wait() throws(ComparisonError) -> End {
        // Its number may become another's from then on.
        watchdog?.stop()
        var status: Int32 = 0
        var usage = rusage()
        // SAFETY: both are the caller's own.
        while unsafe wait4(id, &status, 0, &usage) < 0 {
            guard errno == EINTR else {
                throw .fault("cannot wait for a child: \(Errno.current)")
            }
            try StopSignals.check()
        }
        isOver = true
        let signal = status & 0x7F
        let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }
        return End(status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, cpuSeconds: times.reduce(0, +))
    }

    /// Waits for its end as long as that; to be called until it has come.
    ///
    /// - Returns: nil when it has not ended by then.
    func wait(until end: ContinuousClock.Instant) throws(ComparisonError) -> End? {
        let descriptor = ccontainer_open_process(id)
        guard descriptor >= 0 else { return try wait() }
        defer { close(descriptor) }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, the caller's own.
        while unsafe poll(&request, 1, 100) <= 0 {
            try StopSignals.check()
            if ContinuousClock.now >= end { return nil }
        }
        return try wait()
    }

    private static func spawn(
        _ program: String, _ words: [String], input: Pipe?, outputs: [Pipe], report: Pipe?
    ) throws(ComparisonError) -> pid_t {
        // SAFETY: the strings are copies that live until they are freed below, and the list ends with a null pointer.
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input.reader, STDIN_FILENO)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        for (pipe, stream) in zip(outputs, [STDOUT_FILENO, STDERR_FILENO]) {
            unsafe posix_spawn_file_actions_adddup2(&actions, pipe.writer, stream)
        }
        // Onto itself, which lets it stay open.
        if let report { unsafe posix_spawn_file_actions_adddup2(&actions, report.writer, report.writer) }
        var process: pid_t = 0
        // SAFETY: all of it lives for the length of the call.
        let error = unsafe posix_spawn(&process, program, &actions, nil, &arguments, environ)
        guard error == 0 else {
            throw .fault("cannot start \(program): \(Errno(rawValue: error))")
        }
        return process
    }
}

/// Kills a process when its time is over.
private final class Watchdog {
    private struct State {
        var isOver = false
        var hasBitten = false
    }

    private let state = Monitor(State())
    private var thread: SystemThread?

    init(_ process: pid_t, seconds: Double) throws(ComparisonError) {
        let end = MonotonicClock.now + Int64(min(seconds, 1e6) * 1e9)
        do throws(HostError) {
            thread = try SystemThread { [state] in
                guard state.wait(until: end, for: { $0.isOver ? true : nil }) == nil else { return }
                state.change { $0.hasBitten = true }
                kill(process, SIGKILL)
            }
        } catch {
            throw .fault(error.description)
        }
    }

    var hasBitten: Bool { state.change { $0.hasBitten } }

    func stop() {
        state.change { $0.isOver = true }
        thread?.join()
        thread = nil
    }
}

/// A process whose parent ends becomes the child of this one, wherever it has put itself (PR_SET_CHILD_SUBREAPER): what an
/// engine leaves running counts as the engine's, and does not disturb the next subject.
enum OrphanAdoption {
    static func begin() throws(ComparisonError) {
        let result = ccontainer_adopt_orphans()
        guard result >= 0 else {
            throw .fault("cannot adopt processes: \(Errno(rawValue: -result))")
        }
    }

    /// Waits until all have ended; those that have not after five seconds are killed, unless somebody else's child may have left them.
    ///
    /// - Parameter others: children that are somebody else's.
    static func reap(but others: Set<Int32>) {
        for _ in 0..<5000 {
            let ended = waitpid(-1, nil, WNOHANG)
            // No child is left.
            if ended < 0 { return }
            if ended > 0 { continue }
            if !others.isEmpty, ProportionalMemory.children().isSubset(of: others) { return }
            usleep(1000)
        }
        guard others.isEmpty else { return }
        for child in ProportionalMemory.children() {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
    }
}
