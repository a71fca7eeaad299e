import Glibc
import LinuxHost
import VMM

/// The signals that end a command in good order; SIGHUP comes when the terminal goes.
enum EndSignals {
    private static let all = [SIGINT, SIGTERM, SIGHUP]
    /// For readers to take the last words, after a signal, in nanoseconds.
    private static let patience: Int64 = 5_000_000_000

    static func `catch`() throws(Failure) {
        do throws(HostError) {
            for signal in all where signal != SIGHUP || !StopSignals.isIgnored(signal) {
                try StopSignals.catch(signal)
            }
        } catch {
            throw Failure(status: .fault, message: error.description)
        }
    }

    /// The work is over. What is left to say may wait for a reader that takes nothing: a signal ends that wait as it ends any
    /// program.
    static func release() {
        for number in all {
            // The kernel keeps what would end the first process of a container from it, unless it has asked for the signal.
            _ = getpid() == 1 ? signal(number) { _exit(128 + $0) } : signal(number, SIG_DFL)
        }
        // One that came before, even just before, cannot do that any more.
        guard let number = StopSignals.caught else { return }
        StopSignals.send(number, after: patience)
    }
}
