import Synchronization

/// A 16550A serial port on a bus, 8 ports long: ``UART16550`` with a lock, an output, an input and an interrupt line.
///
/// Input is pulled, not pushed: when the guest looks whether a byte has come (it reads LSR, IIR or RBR) and the
/// receiver is empty, the port asks the source for as many bytes as fit. The rest waits at the source: nothing is lost.
///
/// Concurrency model: one lock, held for the length of an access. Output, input and interrupt line are called inside
/// it, so that bytes and levels keep the order of the accesses.
public final class SerialPort: BytePortDevice {
    private let uart = Mutex(UART16550())
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
        access { uart in
            let room = uart.receiveRoom
            if Self.tellsOfInput(offset), !uart.hasReceivedData, room > 0 {
                input?.read(upTo: room) { uart.receive($0) }
            }
            return uart.read(offset: offset)
        }
    }

    /// Writes the register at `offset`.
    public func writeByte(offset: UInt64, value: UInt8) {
        access { uart in
            if let byte = uart.write(offset: offset, value: value) {
                output.write(byte)
            }
        }
    }

    private func access<R: Sendable>(_ body: (inout UART16550) -> R) -> R {
        uart.withLock { uart in
            let before = uart.interruptLevel
            let result = body(&uart)
            let after = uart.interruptLevel
            if after != before {
                interrupt?.setLevel(after)
            }
            return result
        }
    }

    /// Whether a read shows if a byte has come: RBR, IIR and LSR.
    private static func tellsOfInput(_ offset: UInt64) -> Bool {
        switch offset & 7 {
        case 0, 2, 5: true
        default: false
        }
    }
}
