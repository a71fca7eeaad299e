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
