import Glibc
import KVM

/// A thread of the system that takes no signals, which are for the threads that run vCPUs, but those of its own faults: blocked,
/// they would end the process before any handler.
final class SystemThread: Sendable {
    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    private let id: pthread_t

    /// Starts at once.
    init(_ run: @escaping @Sendable () -> Void) throws(KVMError) {
        var all = sigset_t()
        var old = sigset_t()
        // SAFETY: the sets are the caller's own. A new thread has its maker's mask.
        unsafe sigfillset(&all)
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS] { unsafe sigdelset(&all, fault) }
        unsafe pthread_sigmask(SIG_SETMASK, &all, &old)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &old, nil) }
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
            throw .call("start a thread", SystemError(code: result))
        }
        self.id = id
    }

    /// Waits for its end. To be called once.
    func join() {
        pthread_join(id, nil)
    }
}
