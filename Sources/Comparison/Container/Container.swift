import CContainer
import Glibc
import SystemPackage

/// Runs one static program in a container, as container engines do it: a control group, new namespaces of every kind but time,
/// a root of its own that cannot be changed, no capabilities, a filter of system calls. What `compare` measures machines against.
///
/// Concurrency model: its process must have one thread.
package struct Container {
    private static let namespaces = UInt(
        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
    /// Begins each line on standard error that tells what could not be isolated.
    private static let missingMark = "not isolated: "

    /// What could not be isolated, of what it said on standard error.
    static func notes(in errors: String) -> [String] {
        let mark = SwiftvmmCommand.messageMark + missingMark
        return errors.split(separator: "\n").filter { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
    }

    /// The program's path, and what it is given.
    private let words: [String]

    /// By the words `compare contain PROGRAM …`, which `compare` itself uses and no user calls. They need no parser, whose time
    /// would count as the container's. Nil for anything else.
    package init?(words: [String]) {
        guard words.count >= 3, words.starts(with: [SwiftvmmCommand.compare, SwiftvmmCommand.contain]) else {
            return nil
        }
        self.words = Array(words.dropFirst(2))
    }

    /// Runs the program until it ends, or a signal asks for the end. Leaves nothing behind.
    ///
    /// - Parameter say: tells the user, in a line, what could not be isolated.
    /// - Returns: its status; 128 and the signal's number for one that a signal ended.
    package func run(say: (String) -> Void) throws(ComparisonError) -> Int32 {
        // It must not outlive who waits for it; then it cleans up, too.
        _ = ccontainer_signal_at_parents_end(SIGTERM)
        let (awaited, before) = Self.blockSignals()
        let errors = try Pipe()
        let group = ControlGroup()
        defer { group.remove() }
        for note in group.missing { say(Self.missingMark + note) }
        var program = ContainedProgram(
            words: words, group: group, user: geteuid(), userGroup: getegid(), signals: before,
            parent: ccontainer_open_process(getpid()))
        let child = ccontainer_clone(Self.namespaces, group.descriptor)
        guard child >= 0 else {
            let isForbidden = [EPERM, ENOSPC, EUSERS].contains(-child)
            throw .fault(
                "cannot make user, mount, PID, network, IPC and UTS namespaces: \(Errno(rawValue: -child))"
                    + (isForbidden ? "; allow user namespaces, see sysctl user.max_user_namespaces" : ""))
        }
        if child == 0 { Self.become(&program, errors) }
        errors.closeWriter()
        let status = Self.wait(for: child, awaited)
        let message = try errors.readToEnd()
        guard message.isEmpty else {
            throw .fault(String(decoding: message, as: UTF8.self))
        }
        return status
    }

    /// The child's end is told by its pipe, which closes when it becomes the program.
    private static func become(_ program: inout ContainedProgram, _ errors: Pipe) -> Never {
        do throws(ComparisonError) {
            try program.run()
        } catch {
            // SAFETY: the text lives for the length of the call, and its count is in bytes.
            _ = unsafe write(errors.writer, error.message, error.message.utf8.count)
        }
        _exit(SwiftvmmCommand.fault)
    }

    /// Blocks what is waited for below, so that none of it can come too early.
    private static func blockSignals() -> (awaited: sigset_t, before: sigset_t) {
        var (awaited, before) = (sigset_t(), sigset_t())
        // SAFETY: both sets are the caller's own.
        unsafe sigemptyset(&awaited)
        // Ignored, as a parent may have left it, it would never come.
        signal(SIGCHLD, SIG_DFL)
        for signal in [SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT] { unsafe sigaddset(&awaited, signal) }
        unsafe sigprocmask(SIG_BLOCK, &awaited, &before)
        return (awaited, before)
    }

    /// Signals that ask for the end kill the program, as it is the first process of its namespace and deaf to others.
    private static func wait(for child: pid_t, _ awaited: sigset_t) -> Int32 {
        var (awaited, asked, status) = (awaited, Int32(0), Int32(0))
        while true {
            // SAFETY: the caller's own.
            let ended = unsafe waitpid(child, &status, WNOHANG)
            guard ended == 0 else { break }
            var signal: Int32 = 0
            // SAFETY: as above.
            guard unsafe sigwait(&awaited, &signal) == 0, signal != SIGCHLD else { continue }
            asked = signal
            kill(child, SIGKILL)
        }
        guard asked == 0 else { return 128 + asked }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
