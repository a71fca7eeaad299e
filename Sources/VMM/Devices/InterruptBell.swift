import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// Whether any of some interrupt lines is high, for a vCPU that sleeps by hypercall until one is.
///
/// Concurrency model: safe from any thread.
final class InterruptBell: Sendable {
    private final class Line: InterruptLine {
        private let bell: InterruptBell
        private let next: (any InterruptLine)?

        init(_ bell: InterruptBell, _ next: (any InterruptLine)?) {
            self.bell = bell
            self.next = next
        }

        func setLevel(_ high: Bool) {
            next?.setLevel(high)
            bell.lineChanged(high)
        }
    }

    private let event: EventFD
    private let highLines = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)

    init() throws(HostError) {
        event = try EventFD()
    }

    /// A line that this hears of.
    ///
    /// - Parameter next: where it leads besides.
    func line(to next: (any InterruptLine)?) -> any InterruptLine { Line(self, next) }

    var isHigh: Bool { highLines.load(ordering: .sequentiallyConsistent) > 0 }

    /// Calls `body` with what poll(2) finds readable when a line has risen, or may have, since ``isHigh`` was asked inside `body`.
    func whileWatched<R>(_ body: (Int32) -> R) -> R {
        sleepers.add(1, ordering: .sequentiallyConsistent)
        defer {
            // Before that it may be others' to see.
            if sleepers.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { _ = event.take() }
        }
        return body(event.number)
    }

    private func lineChanged(_ high: Bool) {
        highLines.add(high ? 1 : -1, ordering: .sequentiallyConsistent)
        // Whoever is about to sleep has said so before it looked at the level: one of the two sees the other.
        if high, sleepers.load(ordering: .sequentiallyConsistent) > 0 { event.signal() }
    }
}

/// An interrupt line by event descriptors, which the kernel lowers whenever the guest ends an interrupt.
final class InterruptEventLine: InterruptLine {
    private let event: KVMIRQFD
    private let thread = Mutex<HelperThread?>(nil)

    init(_ event: KVMIRQFD) {
        self.event = event
    }

    func setLevel(_ high: Bool) {
        if high { event.raise() }
    }

    /// From now on `tell` is called, on a thread of its own, when the guest has ended an interrupt. Once.
    func watchEnds(_ tell: @escaping @Sendable () -> Void) throws(HostError) {
        let event = event
        let new = try HelperThread { waiter in
            while waiter.wait(for: event.endNumber) != .ended {
                if event.takeEnd() { tell() }
            }
        }
        thread.withLock { $0 = new }
    }

    /// Watches no more.
    func end() {
        thread.withLock { $0.take() }?.stop()
    }
}
