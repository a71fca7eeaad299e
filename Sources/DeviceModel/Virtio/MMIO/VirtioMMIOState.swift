import Synchronization

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
