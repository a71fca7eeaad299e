import Glibc
import KVM
import VMM

/// The window that a console on standard output is shown in, which follows the window's size until this is stopped.
struct WindowWatch {
    let window: ConsoleWindow
    private let thread: HelperThread

    /// Nil where standard output is no terminal.
    init?() throws(Failure) {
        guard let size = TerminalSize(of: STDOUT_FILENO) else { return nil }
        let window = ConsoleWindow(columns: size.columns, rows: size.rows)
        self.window = window
        do throws(KVMError) {
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
