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
