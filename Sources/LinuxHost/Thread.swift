import Glibc
import Synchronization
import SystemPackage

/// A thread of the system that takes no signals: those are for the thread that the program began with. It keeps those by which
/// the processor tells of a fault of its own: blocked, they would end the process before any handler.
public final class SystemThread: Sendable {
    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    private let id: pthread_t
    private let isJoined = Atomic<Bool>(false)

    /// Starts at once.
    ///
    /// - Throws: `HostError.call` where the system gives no thread.
    public init(_ run: @escaping @Sendable () -> Void) throws(HostError) {
        var blocked = sigset_t()
        var before = sigset_t()
        // SAFETY: the sets are the caller's own. A new thread has its maker's mask.
        unsafe sigfillset(&blocked)
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS] { unsafe sigdelset(&blocked, fault) }
        unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var id = pthread_t()
        let body = unsafe Unmanaged.passRetained(Body(run))
        // SAFETY: the thread takes the one reference that was made for it.
        let result = unsafe pthread_create(
            &id, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            unsafe body.release()
            throw HostError("start a thread", Errno(rawValue: result))
        }
        self.id = id
    }

    deinit {
        if !isJoined.load(ordering: .relaxed) { pthread_detach(id) }
    }

    /// Has a system call that the thread waits in come back (EINTR); one that it begins later does not. Not after ``join()``.
    public func interrupt() {
        pthread_kill(id, KickSignal.number)
    }

    /// Waits for its end. To be called once; a thread that nobody waits for runs on by itself.
    public func join() {
        isJoined.store(true, ordering: .relaxed)
        pthread_join(id, nil)
    }
}

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
    /// - Throws: `HostError.call` where the system gives no thread, or no descriptors.
    public init(_ body: @escaping @Sendable (Waiter) -> Void) throws(HostError) {
        var ends: [Int32] = [0, 0]
        // SAFETY: two numbers, the caller's own.
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw HostError("start a thread", .current)
        }
        let waiter = Waiter(wake: ends[1])
        do throws(HostError) {
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
