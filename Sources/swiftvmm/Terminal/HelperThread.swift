import Glibc
import KVM

/// A thread beside the one that runs the machine, which waits for input. All signals stay with the others, but for those by
/// which the processor tells of a fault: blocked, they would end the process before the terminal gets its settings back.
final class HelperThread: Sendable {
    /// What the thread waits with.
    struct Waiter: Sendable {
        enum Outcome: Equatable {
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
        func wait(for descriptor: Int32?, milliseconds: Int32) -> Outcome {
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

    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// How long the thread may take to end, in milliseconds: it must not hold up the end of the run.
    private static let patience: Int32 = 200

    /// One end of a pair of sockets. Each side sees when the other one is closed: the thread that it should end, and the others
    /// that it has.
    private let end: Int32

    /// Starts at once.
    init(_ body: @escaping @Sendable (Waiter) -> Void) throws(SystemError) {
        var ends: [Int32] = [0, 0]
        // SAFETY: two numbers, the caller's own.
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .current
        }
        end = ends[0]
        let waiter = Waiter(wake: ends[1])
        let result = Self.start {
            body(waiter)
            close(waiter.wake)
        }
        guard result == 0 else {
            close(ends[0])
            close(ends[1])
            throw SystemError(code: result)
        }
    }

    /// - Returns: 0, or the system's error number.
    private static func start(_ body: @escaping @Sendable () -> Void) -> Int32 {
        var thread = pthread_t()
        var (blocked, before) = (sigset_t(), sigset_t())
        // SAFETY: the sets are the caller's own.
        unsafe sigfillset(&blocked)
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS] {
            // SAFETY: as above.
            unsafe sigdelset(&blocked, signal)
        }
        // SAFETY: as above. A thread begins with the signals blocked that its maker has blocked.
        unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
        let argument = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
        // SAFETY: the thread takes the one reference that was made for it.
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        // SAFETY: as above.
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        if result == 0 {
            pthread_detach(thread)
        } else {
            // SAFETY: no thread has taken it.
            unsafe Unmanaged<Body>.fromOpaque(argument).release()
        }
        return result
    }

    /// Asks the thread to end, and waits a moment for it. Once.
    func stop() {
        shutdown(end, Int32(SHUT_WR))
        var request = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, the caller's own. A thread that hangs in a message that nobody takes is left to itself.
        _ = unsafe poll(&request, 1, Self.patience)
        close(end)
    }
}
