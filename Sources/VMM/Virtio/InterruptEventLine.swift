import DeviceModel
import KVM
import Synchronization

/// An interrupt line by event descriptors, which the kernel lowers whenever the guest ends an interrupt.
final class InterruptEventLine: InterruptLine {
    private let event: KVMInterruptEvent
    private let thread = Mutex<HelperThread?>(nil)

    init(_ event: KVMInterruptEvent) {
        self.event = event
    }

    func setLevel(_ high: Bool) {
        if high { event.raise() }
    }

    /// From now on `tell` is called, on a thread of its own, when the guest has ended an interrupt. Once.
    func watchEnds(_ tell: @escaping @Sendable () -> Void) throws(KVMError) {
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
