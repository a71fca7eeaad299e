import Synchronization

/// A virtio device on a bus, 0x1000 bytes long: the virtio-mmio transport, version 2 (VIRTIO 1.2 §4.2).
///
/// This connects `VirtioMMIORegisters`, a pure value, with a ``VirtioBackend``, guest memory and an interrupt line.
///
/// Concurrency model: two locks, always taken in this order.
/// 1. The control lock is held from the start to the end of everything that begins or ends work of the backend: a write to Status,
///    QueueReady, QueueReset or the configuration. A second vCPU that does such a thing waits. Backend threads never take it.
/// 2. The lock of the registers is held for one access to them. Under it the interrupt line is set, so that levels keep the order of
///    events, and nothing else is called. Backend threads take it by their ``VirtioSession``.
///
/// So ``VirtioBackend/stop(queue:)`` may wait for a thread that is about to interrupt. Until it returns, QueueReady and Status keep
/// their values: a driver that sees 0, on whatever vCPU, has its memory back. The configuration is read without a lock of the
/// transport, in one copy with its generation.
///
/// Interrupts: the line is high while InterruptStatus is not 0 (VIRTIO 1.2 §4.2.3.4), and is set only on a change. A line that
/// turns edges into interrupts would be silent after an acknowledge that leaves events behind, so it goes low and high again then:
/// always, because a line that is level-triggered ends as it was. Where the line is an irqfd with a resample descriptor, which the
/// kernel lowers at each end of interrupt, call ``interruptEnded()`` when that descriptor is signalled.
public final class VirtioMMIO: BusDevice {
    /// How many bytes of a bus the device takes.
    public static let byteCount: UInt64 = 0x1000
    /// Where the configuration space begins.
    private static let configurationStart: UInt64 = 0x100

    private struct Control {
        /// The configuration's generation when the device was last reset: what a driver has read is at least as new.
        var generation: UInt32
    }

    private let backend: any VirtioBackend
    private let memory: GuestMemory
    private let control: Mutex<Control>
    private let state: VirtioMMIOState

    /// Connects a device in its state after reset.
    ///
    /// - Parameters:
    ///   - backend: the device; one transport has it to itself.
    ///   - memory: the guest's RAM, where the queues are.
    ///   - interrupt: taken to be low at first.
    public init(backend: any VirtioBackend, memory: GuestMemory, interrupt: (any InterruptLine)?) {
        self.backend = backend
        self.memory = memory
        control = Mutex(Control(generation: backend.configuration.generation))
        state = VirtioMMIOState(
            VirtioMMIORegisters(
                deviceID: backend.deviceID, offeredFeatures: backend.features, queueSizes: backend.queueSizes),
            interrupt: interrupt)
    }

    /// Why the device asked for a reset the first time, for the report.
    public var fault: VirtioFault? { state.registers.fault }

    /// All control registers, for tests.
    package var registers: VirtioMMIORegisters { state.registers }

    /// The guest has signalled the end of an interrupt on a line that the host lowers by itself then: if there is still something
    /// to interrupt for, the line is raised again.
    public func interruptEnded() {
        state.repeatInterrupt()
    }

    /// Reads a control register, aligned and 32 bits wide, or 8, 16, 32 or 64 bits of the configuration at any offset; anything
    /// else gives 0. The rule is one for drivers (VIRTIO 1.2 §4.2.2.2), and what a device does with others is left open.
    public func read(offset: UInt64, width: Int) -> UInt64 {
        if let place = Self.configurationOffset(offset, width) {
            return backend.configuration.read(offset: place, width: width)
        }
        guard let register = VirtioMMIORegister(offset: offset, width: width) else { return 0 }
        if register == .configurationGeneration { return UInt64(backend.configuration.generation) }
        return UInt64(state.access { $0.read(register) })
    }

    /// Writes what ``read(offset:width:)`` reads, or nothing.
    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        if let place = Self.configurationOffset(offset, width) {
            writeConfiguration(place, width, value)
            return .none
        }
        guard let register = VirtioMMIORegister(offset: offset, width: width) else { return .none }
        let value = UInt32(truncatingIfNeeded: value)
        if register.isControl {
            control.withLock { perform(state.write(register, value), &$0) }
        } else {
            perform(state.write(register, value))
        }
        return .none
    }

    /// What needs no order among vCPUs. A notification that meets the end of its queue is the backend's to ignore.
    private func perform(_ action: VirtioMMIOAction) {
        if case .notify(let index) = action { backend.notify(queue: index) }
    }

    private func perform(_ action: VirtioMMIOAction, _ control: inout Control) {
        switch action {
        case .makeReady(let index): makeQueue(index, state.registers)
        case .stop(let index):
            if state.registers.isActive { backend.stop(queue: index) }
            state.access { $0.finishStop(queue: index) }
        case .activate: activate(&control)
        case .reset: reset(&control)
        case .none, .interruptAgain, .notify: break
        }
    }

    private func activate(_ control: inout Control) {
        backend.activate(state.makeSession())
        let registers = state.registers
        for index in registers.queues.indices where registers.queues[index].isReady { makeQueue(index, registers) }
        // The driver may have read the configuration before it changed, when there was no session to tell it by. A change from
        // now on finds the session.
        if backend.configuration.generation != control.generation {
            state.access { $0.raiseConfigurationChange() }
        }
    }

    private func reset(_ control: inout Control) {
        state.beginReset()
        let registers = state.registers
        if registers.isActive {
            for index in registers.queues.indices where registers.queues[index].isReady { backend.stop(queue: index) }
        }
        backend.reset()
        control.generation = backend.configuration.generation
        state.access { $0.reset() }
    }

    /// Makes a queue of what the driver said, for the backend if that is active. A queue that is made ready before DRIVER_OK is made
    /// twice: the first time the driver learns early that it cannot be, the second time it is put to use.
    private func makeQueue(_ index: Int, _ registers: VirtioMMIORegisters) {
        guard registers.queues.indices.contains(index) else { return }
        do throws(VirtqueueError) {
            let queue = try Virtqueue(
                layout: registers.queues[index].layout,
                features: VirtqueueFeatures(rawValue: registers.driverFeatures.rawValue), memory: memory)
            if registers.isActive { backend.start(queue, index: index) }
        } catch {
            state.access { $0.refuse(queue: index, error) }
        }
    }

    private func writeConfiguration(_ offset: UInt64, _ width: Int, _ value: UInt64) {
        control.withLock { _ in
            guard backend.configuration.contains(offset: offset, width: width), let offset = Int(exactly: offset) else {
                return
            }
            // A driver may read but must not write before FEATURES_OK (VIRTIO 1.2 §3.1.1), but for what is for emergencies.
            guard state.registers.status.contains(.featuresOK) || backend.takesEarlyWrite(offset: offset) else {
                return
            }
            backend.writeConfiguration(offset: offset, width: width, value: value)
        }
    }

    /// Where in the configuration an access lies wholly, if it has one of the widths that fields have.
    private static func configurationOffset(_ offset: UInt64, _ width: Int) -> UInt64? {
        guard [1, 2, 4, 8].contains(width), offset >= configurationStart, offset <= byteCount &- UInt64(width) else {
            return nil
        }
        return offset &- configurationStart
    }
}
