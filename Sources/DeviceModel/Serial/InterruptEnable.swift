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
