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
