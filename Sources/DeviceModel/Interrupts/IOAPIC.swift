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
    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        guard width == 4 else { return .none }
        registers.withLock { registers in
            let (message, changesLevels) = registers.write(offset: offset, value: UInt32(truncatingIfNeeded: value))
            // Before the first of them can be sent.
            if changesLevels { sink.tellEnds(of: registers.levelMessages) }
            if let message { sink.send(message) }
        }
        return .none
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

/// A message-signalled interrupt: a write of `data` to `address`, where the local APICs listen (Intel SDM vol. 3A, "Message
/// Signalled Interrupts").
public struct InterruptMessage: Equatable, Sendable {
    public let address: UInt64
    public let data: UInt32

    init(address: UInt64, data: UInt32) {
        (self.address, self.data) = (address, data)
    }

    /// What an I/O APIC sends for a redirection entry.
    init(_ entry: RedirectionEntry) {
        let destination = UInt64(entry.destination) << 12
        let mode: UInt64 = entry.isLogical ? 1 << 2 : 0
        // The hint that lowest priority needs.
        let hint: UInt64 = entry.deliveryMode == 1 ? 1 << 3 : 0
        address = 0xFEE0_0000 | destination | hint | mode
        // A level's message says that it is one, and asserted.
        let level: UInt32 = entry.isLevelTriggered ? 0xC000 : 0
        data = level | UInt32(entry.deliveryMode) << 8 | UInt32(entry.vector)
    }
}

/// Takes an I/O APIC's messages to the local APICs.
public protocol InterruptMessageSink: AnyObject, Sendable {
    /// Delivers a message. Called from inside the I/O APIC's lock: the receiver must not call it.
    func send(_ message: InterruptMessage)

    /// From now on the end of an interrupt that one of these messages raises is to be told
    /// (``IOAPIC/endOfInterrupt(vector:)``). Called as ``send(_:)`` is.
    ///
    /// - Parameter messages: of the pins that are level-triggered and not masked, each with its pin.
    func tellEnds(of messages: [(pin: Int, message: InterruptMessage)])
}
