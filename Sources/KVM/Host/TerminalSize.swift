import CKVM
import Glibc

/// The size of a terminal, and when it changes.
public struct TerminalSize: Equatable, Sendable {
    /// In characters; 0 where the terminal does not know.
    public let columns: UInt16
    public let rows: UInt16

    /// Nil where the descriptor is no terminal's.
    public init?(of descriptor: Int32) {
        let size = ckvm_terminal_size(descriptor)
        guard size >= 0 else { return nil }
        columns = UInt16(truncatingIfNeeded: size)
        rows = UInt16(truncatingIfNeeded: size >> 16)
    }

    /// Calls `tell`, on a thread of its own, whenever the size of the process's terminal may have changed (SIGWINCH), until the thread
    /// is stopped. To be called on the program's first thread, before others are made but by ``SystemThread``: from then on none
    /// takes that signal.
    public static func watch(_ tell: @escaping @Sendable () -> Void) throws(KVMError) -> HelperThread {
        let result = ckvm_terminal_watch_size()
        guard result >= 0 else {
            throw .call("watch the terminal's size", SystemError(code: Int32(truncatingIfNeeded: -result)))
        }
        let descriptor = Int32(truncatingIfNeeded: result)
        do throws(KVMError) {
            return try HelperThread { waiter in
                repeat {
                    takeSignals(descriptor)
                    tell()
                } while waiter.wait(for: descriptor) != .ended
                close(descriptor)
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func takeSignals(_ descriptor: Int32) {
        // One structure for each signal that waits, of which there is one at most (signalfd(2)).
        var signals = [UInt8](repeating: 0, count: 128)
        // SAFETY: the system fills at most as many bytes as there are.
        _ = unsafe signals.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    }
}
