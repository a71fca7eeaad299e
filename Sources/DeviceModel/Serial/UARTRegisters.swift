extension UART16550 {
    /// Which causes may interrupt, IER (PC16550D table II and §8.7). Bits 4 to 7 always read 0.
    package struct InterruptEnable: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue & 0x0F
        }

        /// A byte was received, ERBFI; in FIFO mode the character timeout too.
        package static let receivedData = InterruptEnable(rawValue: 0x01)
        /// The transmitter can take a byte, ETBEI.
        package static let transmitterEmpty = InterruptEnable(rawValue: 0x02)
        /// A receive error, ELSI.
        package static let lineStatus = InterruptEnable(rawValue: 0x04)
        /// A modem line changed, EDSSI.
        package static let modemStatus = InterruptEnable(rawValue: 0x08)
    }
}

extension UART16550 {
    /// The pending cause of highest priority, bits 0 to 3 of IIR (PC16550D table IV). The values are codes, not flags:
    /// they cannot be or-ed together.
    package enum InterruptIdentification: UInt8, Sendable {
        /// Nothing is pending.
        case none = 0x01
        /// First priority: a receive error; gone when LSR is read.
        case lineStatus = 0x06
        /// Second: as many bytes as the trigger level asks for; gone when fewer are left.
        case receivedData = 0x04
        /// Second: fewer bytes, and no more came; gone when RBR is read.
        case characterTimeout = 0x0C
        /// Third: the transmitter can take a byte; gone when IIR is read and says so, or when THR is written.
        case transmitterEmpty = 0x02
        /// Fourth: a modem line changed; gone when MSR is read.
        case modemStatus = 0x00
    }
}

extension UART16550 {
    /// What the guest asks of the queues, FCR (PC16550D table II and §8.5). It can only be written. Bit 3 chooses how
    /// two pins signal DMA, which no PC connects, so it has no name here.
    package struct FIFOControl: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Turn both queues on; without it the other bits are ignored, FCR0.
        package static let enable = FIFOControl(rawValue: 0x01)
        /// Empty the receiver's queue, FCR1.
        package static let clearReceiver = FIFOControl(rawValue: 0x02)

        /// From how many bytes on the receiver interrupts as ``InterruptIdentification/receivedData``, bits 6 and 7.
        package var triggerLevel: Int {
            switch rawValue >> 6 {
            case 0: 1
            case 1: 4
            case 2: 8
            default: 14
            }
        }
    }
}

extension UART16550 {
    /// The form of a character, LCR (PC16550D table II and §8.1). All eight bits are stored; no real line listens to
    /// word length, stop bits, parity and break, so only one has an effect. In loopback, where a chip would cut a byte
    /// to the word length, all eight bits come back too: a byte is treated alike wherever it goes.
    package struct LineControl: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Offsets 0 and 1 are the baud rate divisor, DLAB.
        package static let divisorLatchAccess = LineControl(rawValue: 0x80)
    }
}

extension UART16550 {
    /// The output lines to a modem, MCR (PC16550D table II and §8.8). Bits 5 to 7 always read 0.
    package struct ModemControl: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue & 0x1F
        }

        /// Data terminal ready, DTR.
        package static let dataTerminalReady = ModemControl(rawValue: 0x01)
        /// Request to send, RTS.
        package static let requestToSend = ModemControl(rawValue: 0x02)
        /// A spare output, OUT1.
        package static let output1 = ModemControl(rawValue: 0x04)
        /// A spare output, OUT2.
        package static let output2 = ModemControl(rawValue: 0x08)
        /// The transmitter feeds the receiver and the outputs feed the inputs, LOOP.
        package static let loopback = ModemControl(rawValue: 0x10)
    }
}

extension UART16550 {
    /// What receiver and transmitter have to say, LSR (PC16550D table II and §8.4). Parity, framing and break errors do
    /// not happen on a line without wires, so bits 2 to 4 and 7 stay 0.
    package struct LineStatus: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// A byte waits in RBR, DR.
        package static let dataReady = LineStatus(rawValue: 0x01)
        /// A byte was lost because there was no room, OE; cleared when LSR is read.
        package static let overrunError = LineStatus(rawValue: 0x02)
        /// THR can take a byte, THRE.
        package static let transmitterHoldingEmpty = LineStatus(rawValue: 0x20)
        /// Every byte has left, TEMT.
        package static let transmitterEmpty = LineStatus(rawValue: 0x40)
    }
}

extension UART16550 {
    /// The input lines from a modem and which of them changed, MSR (PC16550D table II and §8.9).
    package struct ModemStatus: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Clear to send changed, DCTS.
        package static let clearToSendChanged = ModemStatus(rawValue: 0x01)
        /// Data set ready changed, DDSR.
        package static let dataSetReadyChanged = ModemStatus(rawValue: 0x02)
        /// The telephone stopped ringing, TERI; that it starts is no change.
        package static let ringEnded = ModemStatus(rawValue: 0x04)
        /// Data carrier detect changed, DDCD.
        package static let carrierChanged = ModemStatus(rawValue: 0x08)
        /// Clear to send, CTS.
        package static let clearToSend = ModemStatus(rawValue: 0x10)
        /// Data set ready, DSR.
        package static let dataSetReady = ModemStatus(rawValue: 0x20)
        /// The telephone rings, RI.
        package static let ring = ModemStatus(rawValue: 0x40)
        /// Data carrier detect, DCD.
        package static let carrier = ModemStatus(rawValue: 0x80)

        /// The lines of a terminal that is there and ready, all the time.
        package static let connected: ModemStatus = [.clearToSend, .dataSetReady, .carrier]

        /// The lines as loopback mode connects them: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD (PC16550D §8.8).
        package init(loopingBack outputs: ModemControl) {
            self = []
            if outputs.contains(.requestToSend) { insert(.clearToSend) }
            if outputs.contains(.dataTerminalReady) { insert(.dataSetReady) }
            if outputs.contains(.output1) { insert(.ring) }
            if outputs.contains(.output2) { insert(.carrier) }
        }

        /// Which changes lie between these lines and later ones.
        package func changes(to later: ModemStatus) -> ModemStatus {
            let toggled = symmetricDifference(later)
            var changes: ModemStatus = []
            if toggled.contains(.clearToSend) { changes.insert(.clearToSendChanged) }
            if toggled.contains(.dataSetReady) { changes.insert(.dataSetReadyChanged) }
            if toggled.contains(.ring), contains(.ring) { changes.insert(.ringEnded) }
            if toggled.contains(.carrier) { changes.insert(.carrierChanged) }
            return changes
        }
    }
}

/// The receiver's queue: up to 16 bytes, first in, first out (PC16550D §8.5).
///
/// The bytes lie in one integer, the oldest lowest, and everything above the youngest is 0. So two queues are equal
/// exactly when they hold the same bytes, and there is no index that could go wrong.
package struct ByteFIFO: Equatable, Sendable {
    /// How many bytes fit.
    package static let capacity = 16

    private var bytes: UInt128 = 0
    /// How many bytes wait, 0 to ``capacity``.
    package private(set) var count = 0

    /// A queue of these bytes, the oldest first; those that do not fit are left out.
    package init(_ bytes: [UInt8] = []) {
        for byte in bytes.prefix(Self.capacity) {
            _ = append(byte)
        }
    }

    /// Adds the youngest byte. Returns false, and changes nothing, when the queue is full.
    package mutating func append(_ byte: UInt8) -> Bool {
        guard count < Self.capacity else { return false }
        bytes |= UInt128(byte) << (count &* 8)
        count &+= 1
        return true
    }

    /// Takes the oldest byte, or nil when there is none.
    package mutating func popFirst() -> UInt8? {
        guard count > 0 else { return nil }
        let first = UInt8(truncatingIfNeeded: bytes)
        bytes >>= 8
        count &-= 1
        return first
    }
}
