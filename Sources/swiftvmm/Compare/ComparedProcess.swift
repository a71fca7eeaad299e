import Glibc
import KVM

/// This program once more, as a child whose output is read through pipes. It does not outlive its owner.
final class ComparedProcess {
    /// How a process ended.
    struct End {
        /// As `swiftvmm` tells it; 128 and the signal's number for one that a signal ended.
        let status: Int32
        /// User and system.
        let cpuSeconds: Double
    }

    let output: Pipe
    let errors: Pipe
    /// Where the child finds its third output, by the path ``Pipe/childPath``.
    let report: Pipe
    private let id: pid_t
    private var isOver = false

    /// - Parameter arguments: what it is to do, by the path of its report.
    init(_ arguments: (_ report: String) -> [String]) throws(Failure) {
        (output, errors, report) = (try Pipe(), try Pipe(), try Pipe())
        id = try Self.spawn([RootCommand.name] + arguments(report.childPath), output, errors, report)
        // From now on only the child has the writing ends, so that their end is its end.
        for pipe in [output, errors, report] { pipe.closeWriter() }
    }

    deinit {
        guard !isOver else { return }
        kill(id, SIGKILL)
        while waitpid(id, nil, 0) < 0, errno == EINTR {}
    }

    /// Waits for its end; to be called once.
    func wait() throws(Failure) -> End {
        var status: Int32 = 0
        var usage = rusage()
        // SAFETY: both are the caller's own.
        while unsafe wait4(id, &status, 0, &usage) < 0 {
            guard errno == EINTR else {
                throw Failure(status: .fault, message: "cannot wait for a child: \(SystemError.current)")
            }
            try EndSignals.check()
        }
        isOver = true
        let signal = status & 0x7F
        let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }
        return End(status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, cpuSeconds: times.reduce(0, +))
    }

    private static func spawn(
        _ words: [String], _ output: Pipe, _ errors: Pipe, _ report: Pipe
    ) throws(Failure) -> pid_t {
        // SAFETY: the strings are copies that live until they are freed below, and the list ends with a null pointer.
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.writer, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors.writer, STDERR_FILENO)
        // Onto itself, which lets it stay open.
        unsafe posix_spawn_file_actions_adddup2(&actions, report.writer, report.writer)
        var process: pid_t = 0
        // SAFETY: all of it lives for the length of the call.
        let error = unsafe posix_spawn(&process, "/proc/self/exe", &actions, nil, &arguments, environ)
        guard error == 0 else {
            throw Failure(status: .fault, message: "cannot start a process: \(SystemError(code: error))")
        }
        return process
    }
}
