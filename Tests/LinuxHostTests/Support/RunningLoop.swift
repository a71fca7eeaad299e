import LinuxHost
import Synchronization
import TestSupport
import Testing

/// How long anything is waited for, in nanoseconds: a watchdog, and never what a test measures.
let patience = Int64(TestScale.patience.components.seconds) * 1_000_000_000

/// Waits until the condition holds, for minutes at most.
func happens(_ condition: () -> Bool) -> Bool { eventually(within: TestScale.patience, condition) }

/// Gives `body` a loop that runs, and ends it.
func withLoop(_ body: (EventLoop) throws -> Void) throws {
    let loop = try EventLoop()
    try loop.start()
    defer { #expect(loop.end(patience: patience), "the loop does not end") }
    try body(loop)
}

/// What handlers tell of themselves, in order.
final class Record<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    func append(_ element: Element) { elements.withLock { $0.append(element) } }

    var all: [Element] { elements.withLock { $0 } }

    var count: Int { elements.withLock { $0.count } }

    /// Waits for at least so many.
    func reaches(_ count: Int) -> Bool { happens { self.count >= count } }
}

/// A door that is opened once.
final class Gate: Sendable {
    private let state = Monitor(false)

    func open() { state.change { $0 = true } }

    var isOpen: Bool { state.change { $0 } }

    /// - Returns: false where it stays shut for minutes.
    @discardableResult
    func wait() -> Bool { state.wait(until: MonotonicClock.now + patience) { $0 ? true : nil } ?? false }
}

extension EventLoop {
    /// Holds the loop in a handler of the control group until the gate is opened: what is handed in meanwhile, and what becomes
    /// ready, is looked at together.
    func hold() throws -> Gate {
        let (isHeld, gate) = (Gate(), Gate())
        post(.control) {
            isHeld.open()
            gate.wait()
        }
        try #require(isHeld.wait())
        return gate
    }

    /// Waits until all that was ready and all that was handed in before is done. A loop looks at its descriptors after each
    /// batch of work, so that after some pieces, each handed in when the one before is done, it has looked at least once.
    func settle(_ group: Group = .control) -> Bool {
        for _ in 0..<3 {
            let gate = Gate()
            post(group) { gate.open() }
            guard gate.wait() else { return false }
        }
        return true
    }
}

/// A number that threads share.
final class SharedNumber: Sendable {
    let value = Atomic<Int>(0)

    /// Waits until it is so large, at first without sleeping: whoever races with another thread must not give it a start.
    func reaches(_ number: Int) -> Bool {
        for _ in 0..<20_000 where value.load(ordering: .sequentiallyConsistent) >= number { return true }
        return happens { value.load(ordering: .sequentiallyConsistent) >= number }
    }
}
