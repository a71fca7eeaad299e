import Glibc
import Synchronization
import Testing

/// A thread of the system of its own, for what must not share one with other tests.
public final class HostThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        let isOver = Atomic<Bool>(false)

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Longer than the guest of any test runs.
    private static let patience = TestScale.patience + .seconds(30)

    private let id: pthread_t
    private let body: Body

    /// Starts at once.
    public init(_ run: @escaping @Sendable () -> Void) {
        body = Body(run)
        var id = pthread_t()
        let argument = unsafe Unmanaged.passRetained(body).toOpaque()
        // SAFETY: the thread takes the one reference that was made for it.
        let result = unsafe pthread_create(
            &id, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                body.run()
                body.isOver.store(true, ordering: .releasing)
                return nil
            }, argument)
        precondition(result == 0, "the system gives no thread")
        self.id = id
    }

    /// Waits for its end. One that does not end fails the test instead of holding up all the others: tests share a few threads,
    /// and each test that waits keeps one of them.
    public func join(_ file: StaticString = #fileID, _ line: Int = #line) {
        if eventually(within: Self.patience, { body.isOver.load(ordering: .acquiring) }) {
            pthread_join(id, nil)
        } else {
            Issue.record("a thread did not end; it is waited for at \(file):\(line)")
        }
    }
}
