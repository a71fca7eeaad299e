import Glibc
import KVM
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
    init(descriptor: Int32, input: ConsoleInput, stop: StopHandle) throws(KVMError) {
        _ = try TerminalMode.begin(descriptor)
        do throws(KVMError) {
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
