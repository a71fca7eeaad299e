import KVM
import Synchronization

/// Whether a port of a virtio-console is open in the guest: before that nothing is read for it. With poll(2)'s word for it.
final class ConsoleGate: Sendable {
    private let event: EventDescriptor
    private let state = Atomic<Bool>(false)

    init() throws(KVMError) {
        event = try EventDescriptor()
    }

    var isOpen: Bool { state.load(ordering: .sequentiallyConsistent) }

    /// What poll(2) finds readable while it is open.
    var number: Int32 { event.number }

    /// One thread at a time.
    func set(_ isOpen: Bool) {
        guard isOpen != self.isOpen else { return }
        state.store(isOpen, ordering: .sequentiallyConsistent)
        if isOpen { event.signal() } else { _ = event.take() }
    }
}
