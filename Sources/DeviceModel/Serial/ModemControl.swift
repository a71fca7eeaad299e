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
