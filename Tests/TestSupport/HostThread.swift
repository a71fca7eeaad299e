import Glibc

/// A thread of the system of its own, for what must not share one with other tests.
public final class HostThread {
    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    private let id: pthread_t

    /// Starts at once.
    public init(_ body: @escaping @Sendable () -> Void) {
        var id = pthread_t()
        let argument = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
        // SAFETY: the thread takes the one reference that was made for it.
        let result = unsafe pthread_create(
            &id, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        precondition(result == 0, "the system gives no thread")
        self.id = id
    }

    /// Waits for its end.
    public func join() {
        pthread_join(id, nil)
    }
}
