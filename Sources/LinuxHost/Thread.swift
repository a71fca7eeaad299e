import CLinuxHost
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
    /// - Throws: where the system gives no thread.
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

    /// Waits for its end. To be called once; a thread that nobody waits for runs on by itself.
    public func join() {
        isJoined.store(true, ordering: .relaxed)
        pthread_join(id, nil)
    }
}
