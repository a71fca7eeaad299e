import Synchronization

/// An I/O APIC, for a machine whose kernel has only the local ones (Intel 82093AA data sheet).
///
/// Concurrency model: one lock, held for the length of an access. Messages are sent inside it, so that they keep their order.
public final class IOAPIC: BusDevice {
    /// How many bytes it takes.
    public static let size: UInt64 = 0x100

    private let registers = Mutex(IOAPICRegisters())
    private let sink: any InterruptMessageSink

    /// A chip after reset: every pin is masked.
    public init(sink: any InterruptMessageSink) {
        self.sink = sink
    }

    /// Registers have 32 bits; a read of another width, or between them, gives 0.
    public func read(offset: UInt64, width: Int) -> UInt64 {
        guard width == 4 else { return 0 }
        return UInt64(registers.withLock { $0.read(offset: offset) })
    }

    /// Registers have 32 bits; a write of another width does nothing.
    public func write(offset: UInt64, width: Int, value: UInt64) {
        guard width == 4 else { return }
        registers.withLock { registers in
            let (message, changesLevels) = registers.write(offset: offset, value: UInt32(truncatingIfNeeded: value))
            // Before the first of them can be sent.
            if changesLevels { sink.tellEnds(of: registers.levelMessages) }
            if let message { sink.send(message) }
        }
    }

    /// A local APIC has ended an interrupt that was to be told.
    public func endOfInterrupt(vector: UInt8) {
        registers.withLock { registers in
            for message in registers.endOfInterrupt(vector: vector) { sink.send(message) }
        }
    }

    /// The wire to a pin, 0 to 23.
    public func line(pin: Int) -> any InterruptLine {
        Pin(self, pin)
    }

    private final class Pin: InterruptLine {
        private let chip: IOAPIC
        private let number: Int

        init(_ chip: IOAPIC, _ number: Int) {
            self.chip = chip
            self.number = number
        }

        func setLevel(_ high: Bool) {
            chip.registers.withLock { registers in
                if let message = registers.setLevel(pin: number, high) { chip.sink.send(message) }
            }
        }
    }
}
