import Synchronization

/// A 16550A serial port on a bus, 8 ports long: ``UART16550`` with a lock, an output, an input and an interrupt line.
///
/// Input stays at its source until the receiver has room, so nothing is lost. It is taken when the guest looks whether a byte
/// has come (it reads LSR, IIR or RBR), and, for a guest that waits for an interrupt instead, when the host calls
/// ``pullInput(elseCall:)``.
///
/// Concurrency model: one lock, held for the length of an access. Output, input and interrupt line are called inside
/// it, so that bytes and levels keep the order of the accesses.
public final class SerialPort: BytePortDevice {
    private struct State {
        var uart = UART16550()
        /// Called when there is room again.
        var roomMade: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let output: any ByteSink
    private let input: (any ByteSource)?
    private let interrupt: (any InterruptLine)?

    /// Makes a port in the state of a chip after reset.
    ///
    /// - Parameters:
    ///   - output: takes what the guest sends.
    ///   - input: gives what the guest receives; without one nothing ever comes.
    ///   - interrupt: driven high while a cause is pending; it is taken to be low at first.
    public init(output: any ByteSink, input: (any ByteSource)?, interrupt: (any InterruptLine)?) {
        self.output = output
        self.input = input
        self.interrupt = interrupt
    }

    /// Reads the register at `offset`.
    public func readByte(offset: UInt64) -> UInt8 {
        state.withLock { state in
            let value = access(&state) { uart in
                if Self.tellsOfInput(offset), !uart.hasReceivedData { takeInput(&uart) }
                return uart.read(offset: offset)
            }
            // A guest that waits for interrupts does not look again by itself. It has seen the line low by now.
            if state.uart.interruptEnable.contains(.receivedData), !state.uart.hasReceivedData {
                access(&state) { takeInput(&$0) }
            }
            return value
        }
    }

    /// Writes the register at `offset`.
    public func writeByte(offset: UInt64, value: UInt8) {
        state.withLock { state in
            access(&state) { uart in
                if let byte = uart.write(offset: offset, value: value) {
                    output.write(byte)
                }
            }
        }
    }

    /// Takes what has come, as much as fits.
    ///
    /// - Parameter roomMade: called once, from inside the port's lock, when there is room again, if now there is none left.
    /// - Returns: for how many bytes more there is room.
    public func pullInput(elseCall roomMade: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            access(&state) { takeInput(&$0) }
            let room = state.uart.receiveRoom
            if room == 0 { state.roomMade = roomMade }
            return room
        }
    }

    /// Whether a byte that the guest sends may have to interrupt it: the transmitter may, or what is looped back.
    public var wantsEachByteAtOnce: Bool {
        state.withLock { state in
            let uart = state.uart
            let loops = uart.modemControl.contains(.loopback)
            return uart.interruptEnable.contains(.transmitterEmpty)
                || loops && !uart.interruptEnable.isDisjoint(with: [.receivedData, .lineStatus])
        }
    }

    /// Whether the guest lets the receiver interrupt.
    public var interruptsOnReceive: Bool {
        state.withLock { $0.uart.interruptEnable.contains(.receivedData) }
    }

    private func takeInput(_ uart: inout UART16550) {
        let room = uart.receiveRoom
        guard room > 0 else { return }
        input?.read(upTo: room) { uart.receive($0) }
    }

    /// Sets the interrupt line when its level has changed, and tells who waits for room.
    private func access<R: Sendable>(_ state: inout State, _ body: (inout UART16550) -> R) -> R {
        let before = state.uart.interruptLevel
        let result = body(&state.uart)
        let after = state.uart.interruptLevel
        if after != before {
            interrupt?.setLevel(after)
        }
        if let roomMade = state.roomMade, state.uart.receiveRoom > 0 {
            state.roomMade = nil
            roomMade()
        }
        return result
    }

    /// Whether a read shows if a byte has come: RBR, IIR and LSR.
    private static func tellsOfInput(_ offset: UInt64) -> Bool {
        switch offset & 7 {
        case 0, 2, 5: true
        default: false
        }
    }
}
