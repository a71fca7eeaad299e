import Glibc

/// A thread beside those that run a machine, which waits for input until it is asked to end.
public final class HelperThread: Sendable {
    /// What the thread waits with.
    public struct Waiter: Sendable {
        public enum Outcome: Equatable, Sendable {
            /// The thread is asked to end.
            case ended
            case timeout
            /// With poll(2)'s word for what there is.
            case ready(Int16)
        }

        fileprivate let wake: Int32

        /// Waits until the descriptor has input or is hung up.
        ///
        /// - Parameters:
        ///   - descriptor: nil for none.
        ///   - milliseconds: below 0 for as long as it takes.
        public func wait(for descriptor: Int32?, milliseconds: Int32 = -1) -> Outcome {
            var requests = [
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
                pollfd(fd: descriptor ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            // SAFETY: as many structures as are told, the caller's own.
            let count = unsafe poll(&requests, 2, milliseconds)
            if requests[0].revents != 0 { return .ended }
            return count > 0 ? .ready(requests[1].revents) : .timeout
        }
    }

    /// How long the thread may take to end, in milliseconds: it must not hold up the end of the run.
    private static let patience: Int32 = 200

    /// One end of a pair of sockets. Each side sees when the other one is closed: the thread that it should end, and the others
    /// that it has.
    private let end: Int32
    private let thread: SystemThread

    /// Starts at once.
    ///
    /// - Throws: `KVMError.call` where the system gives no thread, or no descriptors.
    public init(_ body: @escaping @Sendable (Waiter) -> Void) throws(KVMError) {
        var ends: [Int32] = [0, 0]
        // SAFETY: two numbers, the caller's own.
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .call("start a thread", .current)
        }
        let waiter = Waiter(wake: ends[1])
        do throws(KVMError) {
            thread = try SystemThread {
                body(waiter)
                close(waiter.wake)
            }
        } catch {
            close(ends[0])
            close(ends[1])
            throw error
        }
        end = ends[0]
    }

    /// Has a system call that the thread waits in come back, as ``SystemThread/interrupt()`` does.
    public func interrupt() {
        thread.interrupt()
    }

    /// Asks the thread to end, and waits a moment for it. Once.
    public func stop() {
        shutdown(end, Int32(SHUT_WR))
        var request = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, the caller's own. A thread that hangs in a message that nobody takes is left to itself.
        if unsafe poll(&request, 1, Self.patience) > 0 { thread.join() }
        close(end)
    }
}
