import Synchronization

/// What a backend has of its transport between DRIVER_OK and the next reset.
///
/// Any thread may call at any time, also from inside a call of the transport and with locks of its own held: no call waits for
/// anything but other short accesses to the registers. Once a reset has begun they do nothing, so a thread that is late does no
/// harm to what comes after it.
public struct VirtioSession: Sendable {
    private let state: VirtioMMIOState
    private let epoch: UInt64
    /// What was negotiated.
    public let features: VirtioFeatures

    init(state: VirtioMMIOState, epoch: UInt64, features: VirtioFeatures) {
        self.state = state
        self.epoch = epoch
        self.features = features
    }

    /// Interrupts the driver because chains of a queue were given back (a used buffer notification, VIRTIO 1.2 §2.3). Call it
    /// when ``Virtqueue/publish()`` says so. For a queue that is not at work it does nothing.
    public func raiseUsedBufferInterrupt(queue index: Int) {
        state.access(epoch: epoch) { $0.raiseUsedBuffer(queue: index) }
    }

    /// Interrupts the driver because ``VirtioBackend/configuration`` has changed, and not by the driver (a configuration change
    /// notification, VIRTIO 1.2 §3.2.1). The change must be there to be read already.
    public func configurationChanged() {
        state.access(epoch: epoch) { $0.raiseConfigurationChange() }
    }

    /// Sets DEVICE_NEEDS_RESET and tells the driver (VIRTIO 1.2 §2.1.2). The queues get no more notifications; they are stopped by
    /// the driver's reset. Only the first call counts until then.
    public func fail(_ reason: VirtioFault) {
        state.access(epoch: epoch) { $0.fail(reason) }
    }
}

/// Why a device set DEVICE_NEEDS_RESET (VIRTIO 1.2 §2.1.2).
public enum VirtioFault: Error, Hashable, CustomStringConvertible {
    /// The driver made a queue ready with more entries than QueueNumMax (VIRTIO 1.2 §4.2.2.2).
    case queueTooLarge(queue: Int, size: UInt32, maximum: UInt16)
    /// A queue's layout or what lies in it is wrong.
    case virtqueue(queue: Int, VirtqueueError)
    /// Something that is particular to the device.
    case device(String)

    /// The reason in words.
    public var description: String {
        switch self {
        case .queueTooLarge(let queue, let size, let maximum):
            "queue \(queue) cannot have \(size) entries, but \(maximum) at most"
        case .virtqueue(let queue, let error): "queue \(queue): \(error)"
        case .device(let reason): reason
        }
    }
}

/// What the guest's accesses and the backend's threads share: the registers with their lock, and the interrupt line.
///
/// It does not know the backend, so that a backend may keep a ``VirtioSession`` without keeping itself alive.
final class VirtioMMIOState: Sendable {
    private struct Guarded {
        var registers: VirtioMMIORegisters
        /// Counts the resets that have begun.
        var epoch: UInt64 = 0
    }

    private let guarded: Mutex<Guarded>
    private let interrupt: (any InterruptLine)?

    init(_ registers: VirtioMMIORegisters, interrupt: (any InterruptLine)?) {
        guarded = Mutex(Guarded(registers: registers))
        self.interrupt = interrupt
    }

    var registers: VirtioMMIORegisters {
        guarded.withLock { $0.registers }
    }

    /// Does something with the registers, and sets the interrupt line if its level has changed.
    func access<R: Sendable>(_ body: (inout VirtioMMIORegisters) -> R) -> R {
        guarded.withLock { updating(&$0.registers, body) }
    }

    /// The same for a backend that began to work in this epoch; nothing happens once a reset has begun.
    func access(epoch: UInt64, _ body: (inout VirtioMMIORegisters) -> Void) {
        guarded.withLock { guarded in
            guard guarded.epoch == epoch else { return }
            updating(&guarded.registers, body)
        }
    }

    func write(_ register: VirtioMMIORegister, _ value: UInt32) -> VirtioMMIOAction {
        guarded.withLock { guarded in
            let action = updating(&guarded.registers) { $0.write(register, value) }
            if action == .interruptAgain { pulse() }
            return action
        }
    }

    /// What a backend works with from now on.
    func makeSession() -> VirtioSession {
        guarded.withLock {
            VirtioSession(state: self, epoch: $0.epoch, features: $0.registers.driverFeatures)
        }
    }

    /// From now on calls of the backend do nothing; the registers show no difference yet.
    func beginReset() {
        guarded.withLock { $0.epoch &+= 1 }
    }

    /// Raises the line once more if it is high.
    func repeatInterrupt() {
        guarded.withLock { guarded in
            if guarded.registers.interrupts.level { pulse() }
        }
    }

    /// A line that is level-triggered ends as it was; one that takes edges gets one.
    private func pulse() {
        interrupt?.setLevel(false)
        interrupt?.setLevel(true)
    }

    private func updating<R>(
        _ registers: inout VirtioMMIORegisters, _ body: (inout VirtioMMIORegisters) -> R
    ) -> R {
        let before = registers.interrupts.level
        let result = body(&registers)
        let after = registers.interrupts.level
        if after != before { interrupt?.setLevel(after) }
        return result
    }
}
