import DeviceModel
import Testing

/// Table IV of the PC16550D data sheet as a whole: each cause alone and with every other, under every mask, and what
/// each access takes away.
@Suite("Interrupt causes of a 16550 UART")
struct UARTCauseTests {
    /// The receiver's state, and what table IV calls it.
    struct Receiver: Sendable {
        let bytes: [UInt8]
        let isFIFO: Bool
        /// The code in IIR, or nil when there is no cause.
        let code: UInt8?
        /// The same after RBR was read once.
        let codeAfterRead: UInt8?
    }

    /// The trigger level is 4 where the queues are on.
    static let receivers = [
        Receiver(bytes: [], isFIFO: false, code: nil, codeAfterRead: nil),
        Receiver(bytes: [0x80], isFIFO: false, code: 0x04, codeAfterRead: nil),
        Receiver(bytes: [], isFIFO: true, code: nil, codeAfterRead: nil),
        Receiver(bytes: [0x81], isFIFO: true, code: 0x0C, codeAfterRead: nil),
        Receiver(bytes: [1, 2, 3], isFIFO: true, code: 0x0C, codeAfterRead: 0x0C),
        Receiver(bytes: [1, 2, 3, 4], isFIFO: true, code: 0x04, codeAfterRead: 0x0C),
        Receiver(bytes: [1, 2, 3, 4, 5], isFIFO: true, code: 0x04, codeAfterRead: 0x04),
    ]

    static let modemChanges: [UInt8] = [0x00, 0x01, 0x02, 0x04, 0x08, 0x0F]

    /// A chip with some causes pending.
    struct Situation: CustomStringConvertible {
        let mask: UInt8
        var overrun: Bool
        var receiver: Receiver
        var isReceiverRead = false
        var transmitter: Bool
        var changes: UInt8

        var description: String {
            "IER \(mask), OE \(overrun), queue \(receiver.bytes), \(receiver.isFIFO), THRE \(transmitter), MSR \(changes)"
        }

        var state: UART16550 {
            UART16550 {
                $0.interruptEnable = UART16550.InterruptEnable(rawValue: mask)
                $0.overrun = overrun
                $0.received = ByteFIFO(Array(receiver.bytes.dropFirst(isReceiverRead ? 1 : 0)))
                $0.fifoEnabled = receiver.isFIFO
                $0.triggerLevel = receiver.isFIFO ? 4 : 1
                $0.transmitterEmptyPending = transmitter
                $0.modemChanges = UART16550.ModemStatus(rawValue: changes)
            }
        }

        /// The four priorities, the highest first.
        var code: UInt8 {
            if mask & 0x04 != 0, overrun { return 0x06 }
            let receiverCode = isReceiverRead ? receiver.codeAfterRead : receiver.code
            if mask & 0x01 != 0, let receiverCode { return receiverCode }
            if mask & 0x02 != 0, transmitter { return 0x02 }
            return mask & 0x08 != 0 && changes != 0 ? 0x00 : 0x01
        }

        func after(_ change: (inout Situation) -> Void) -> Situation {
            var situation = self
            change(&situation)
            return situation
        }
    }

    static func situations(mask: UInt8) -> [Situation] {
        var all: [Situation] = []
        for receiver in receivers {
            for changes in modemChanges {
                for overrun in [false, true] {
                    // Without its bit in IER the transmitter's cause is not kept.
                    for transmitter in mask & 0x02 == 0 ? [false] : [false, true] {
                        all.append(
                            Situation(
                                mask: mask, overrun: overrun, receiver: receiver, transmitter: transmitter,
                                changes: changes))
                    }
                }
            }
        }
        return all
    }

    /// Reads a register in a situation: the value and the whole state that come of it, and the interrupt output before
    /// and after, must be right.
    private func expectRead(_ offset: UInt64, in before: Situation, gives value: UInt8, leaves after: Situation) {
        var uart = before.state
        #expect(uart.interruptLevel == (before.code != 0x01), "\(before)")
        let read = uart.read(offset: offset)
        #expect(read == value, "read of offset \(offset), \(before)")
        #expect(uart == after.state, "read of offset \(offset), \(before)")
        #expect(uart.interruptLevel == (after.code != 0x01), "read of offset \(offset), \(before)")
    }

    @Test(
        "IIR shows the highest cause, and reading it ends only the transmitter's, if that is shown", arguments: 0..<16)
    func identification(mask: Int) {
        for situation in Self.situations(mask: UInt8(mask)) {
            let value = situation.code | (situation.receiver.isFIFO ? 0xC0 : 0)
            expectRead(
                2, in: situation, gives: value,
                leaves: situation.after { if situation.code == 0x02 { $0.transmitter = false } })
        }
    }

    @Test("reading LSR ends the line status and nothing else", arguments: 0..<16)
    func lineStatus(mask: Int) {
        for situation in Self.situations(mask: UInt8(mask)) {
            let value = 0x60 | (situation.overrun ? 0x02 : 0) | (situation.receiver.bytes.isEmpty ? 0 : 0x01) as UInt8
            expectRead(5, in: situation, gives: value, leaves: situation.after { $0.overrun = false })
        }
    }

    @Test("reading RBR takes one byte and with it what that byte caused, and nothing else", arguments: 0..<16)
    func receiverBuffer(mask: Int) {
        for situation in Self.situations(mask: UInt8(mask)) {
            let value = situation.receiver.bytes.first ?? 0
            expectRead(0, in: situation, gives: value, leaves: situation.after { $0.isReceiverRead = true })
        }
    }

    @Test("reading MSR ends the modem status and nothing else", arguments: 0..<16)
    func modemStatus(mask: Int) {
        for situation in Self.situations(mask: UInt8(mask)) {
            expectRead(
                6, in: situation, gives: 0xB0 | situation.changes, leaves: situation.after { $0.changes = 0 })
        }
    }

    @Test("reading IER, LCR, MCR and SCR ends no cause", arguments: 0..<16)
    func others(mask: Int) {
        for situation in Self.situations(mask: UInt8(mask)) {
            expectRead(1, in: situation, gives: UInt8(mask), leaves: situation)
            for offset in [3, 4, 7] as [UInt64] {
                expectRead(offset, in: situation, gives: 0, leaves: situation)
            }
        }
    }

    @Test("writing THR renews the transmitter's cause and touches no other", arguments: 0..<16)
    func transmitter(mask: Int) {
        for situation in Self.situations(mask: UInt8(mask)) {
            var uart = situation.state
            let sent = uart.write(offset: 0, value: 0x7E)
            #expect(sent == 0x7E)
            let after = situation.after { $0.transmitter = mask & 0x02 != 0 }
            #expect(uart == after.state, "\(situation)")
            #expect(uart.interruptLevel == (after.code != 0x01), "\(situation)")
        }
    }

    @Test(
        "a write to IER masks and shows causes, and makes one only where it enables the transmitter's",
        arguments: 0..<16)
    func enabling(mask: Int) {
        for situation in Self.situations(mask: UInt8(mask)) {
            for new in 0..<16 as Range<UInt8> {
                var uart = situation.state
                let sent = uart.write(offset: 1, value: new | 0xF0)
                #expect(sent == nil)
                let isKept = situation.transmitter && new & 0x02 != 0
                let isNew = mask & 0x02 == 0 && new & 0x02 != 0
                let after = Situation(
                    mask: new, overrun: situation.overrun, receiver: situation.receiver,
                    transmitter: isKept || isNew, changes: situation.changes)
                #expect(uart == after.state, "IER \(new) in \(situation)")
                #expect(uart.interruptLevel == (after.code != 0x01), "IER \(new) in \(situation)")
            }
        }
    }
}
