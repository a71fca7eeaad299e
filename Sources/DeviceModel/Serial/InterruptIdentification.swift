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
