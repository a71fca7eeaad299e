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
