import DeviceModel
import Testing

@Suite("16550 UART")
struct UART16550Tests {
    /// What happens to a chip after reset, and the whole state that must come of it.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: [UARTStep]
        let state: UART16550

        init(_ description: String, _ steps: [UARTStep], _ differ: (inout UART16550) -> Void = { _ in }) {
            testDescription = description
            self.steps = steps
            state = UART16550(differ)
        }
    }

    @Test("does as the data sheet says", arguments: registers + receiver + queues + interrupts + modem)
    func table(row: Row) {
        var uart = UART16550()
        for (index, step) in row.steps.enumerated() {
            switch step {
            case .read(let offset, let value):
                let read = uart.read(offset: offset)
                #expect(read == value, "step \(index), read of offset \(offset)")
            case .write(let offset, let value):
                let sent = uart.write(offset: offset, value: value)
                #expect(sent == nil, "step \(index), write to offset \(offset)")
            case .send(let byte):
                let sent = uart.write(offset: Register.data, value: byte)
                #expect(sent == byte, "step \(index)")
            case .receive(let byte):
                uart.receive(byte)
            case .receiveMany(let count):
                for byte in 1...count {
                    uart.receive(UInt8(truncatingIfNeeded: byte))
                }
            case .level(let level):
                #expect(uart.interruptLevel == level, "step \(index)")
            }
        }
        #expect(uart == row.state)
    }

    // Offsets, as in table II: 0 RBR and THR, 1 IER, 2 IIR and FCR, 3 LCR, 4 MCR, 5 LSR, 6 MSR, 7 SCR; and 0 DLL, 1 DLM
    // while bit 7 of LCR is set.

    static let registers = [
        Row(
            "registers after reset (table I)",
            [
                .read(0, 0x00), .read(1, 0x00),
                .read(2, 0x01), .read(3, 0x00),
                .read(4, 0x00), .read(5, 0x60), .read(6, 0xB0),
                .read(7, 0x00), .level(false),
            ]),
        Row("scratch register", [.write(7, 0x55), .read(7, 0x55), .write(7, 0xAA), .read(7, 0xAA)]) {
            $0.scratch = 0xAA
        },
        Row("IER keeps four bits", [.write(1, 0xFF), .read(1, 0x0F), .write(1, 0xF0), .read(1, 0x00)]),
        Row("MCR keeps five bits", [.write(4, 0xEF), .read(4, 0x0F)]) {
            $0.modemControl = [.dataTerminalReady, .requestToSend, .output1, .output2]
        },
        Row("LCR keeps all bits", [.write(3, 0xFF), .read(3, 0xFF), .write(3, 0x03), .read(3, 0x03)]) {
            $0.lineControl = UART16550.LineControl(rawValue: 0x03)
        },
        Row(
            "the divisor latch hides RBR, THR and IER, and only those",
            [
                .receive(0x41), .write(3, 0x80), .write(0, 0x34), .write(1, 0x12), .read(0, 0x34), .read(1, 0x12),
                .read(5, 0x61), .write(3, 0x03), .read(1, 0x00), .read(0, 0x41),
            ]
        ) {
            $0.divisor = 0x1234
            $0.lineControl = UART16550.LineControl(rawValue: 0x03)
        },
        Row("LSR and MSR cannot be written", [.write(5, 0xFF), .write(6, 0xFF), .read(5, 0x60), .read(6, 0xB0)]),
        Row("offsets repeat every 8", [.write(15, 0x42), .read(7, 0x42), .read(.max, 0x42), .read(.max - 2, 0x60)]) {
            $0.scratch = 0x42
        },
        Row(
            "a byte written is sent at once and the transmitter stays empty",
            [.send(0x48), .read(5, 0x60), .send(0x69), .read(5, 0x60)]),
    ]

    static let receiver = [
        Row("without queues one byte waits", [.receive(0x41), .read(5, 0x61)]) { $0.received = ByteFIFO([0x41]) },
        Row("reading RBR takes the byte", [.receive(0x41), .read(0, 0x41), .read(5, 0x60), .read(0, 0x00)]),
        Row("without queues a second byte overwrites the first", [.receive(0x41), .receive(0x42)]) {
            $0.received = ByteFIFO([0x42])
            $0.overrun = true
        },
        Row(
            "reading LSR clears the overrun and keeps the byte",
            [.receive(0x41), .receive(0x42), .read(5, 0x63), .read(5, 0x61)]
        ) { $0.received = ByteFIFO([0x42]) },
        Row(
            "a full queue keeps its 16 bytes and loses the 17th",
            [.write(2, 0x01), .receiveMany(17), .read(5, 0x63), .read(5, 0x61)]
        ) {
            $0.fifoEnabled = true
            $0.received = ByteFIFO([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
        },
        Row(
            "the queue gives bytes in the order they came, and an emptied one is like one never filled",
            [
                .write(2, 0x01), .receive(0xFF), .receive(0x00), .receive(0x7F), .read(0, 0xFF), .read(0, 0x00),
                .read(5, 0x61), .read(0, 0x7F), .read(5, 0x60),
            ]
        ) { $0.fifoEnabled = true },
        Row(
            "an overrun outlives a cleared queue", [.write(2, 0x01), .receiveMany(17), .write(2, 0x03), .read(5, 0x62)]
        ) {
            $0.fifoEnabled = true
        },
    ]

    static let queues = [
        Row("IIR says that the queues are on", [.write(2, 0x01), .read(2, 0xC1)]) { $0.fifoEnabled = true },
        Row("IIR says that the queues are off", [.write(2, 0x01), .write(2, 0x00), .read(2, 0x01)]),
        Row("trigger level 1", [.write(2, 0x01)]) { $0.fifoEnabled = true },
        Row("trigger level 4", [.write(2, 0x41)]) {
            $0.fifoEnabled = true
            $0.triggerLevel = 4
        },
        Row("trigger level 8", [.write(2, 0x81)]) {
            $0.fifoEnabled = true
            $0.triggerLevel = 8
        },
        Row("trigger level 14", [.write(2, 0xC1)]) {
            $0.fifoEnabled = true
            $0.triggerLevel = 14
        },
        Row("other FCR bits do nothing without bit 0", [.receive(0x41), .write(2, 0xCE), .read(2, 0x01)]) {
            $0.received = ByteFIFO([0x41])
        },
        Row("FCR bit 1 clears the receiver", [.write(2, 0x01), .receiveMany(3), .write(2, 0x03), .read(5, 0x60)]) {
            $0.fifoEnabled = true
        },
        Row(
            "FCR bit 2 clears the transmitter only",
            [.write(2, 0x01), .receiveMany(2), .write(2, 0x05), .read(5, 0x61)]
        ) {
            $0.fifoEnabled = true
            $0.received = ByteFIFO([1, 2])
        },
        Row("FCR bit 0 alone, set again, keeps the bytes", [.write(2, 0x01), .receiveMany(2), .write(2, 0x41)]) {
            $0.fifoEnabled = true
            $0.triggerLevel = 4
            $0.received = ByteFIFO([1, 2])
        },
        Row("switching the queues on clears the receiver", [.receive(0x41), .write(2, 0x01), .read(5, 0x60)]) {
            $0.fifoEnabled = true
        },
        Row(
            "switching the queues off clears them", [.write(2, 0xC1), .receiveMany(3), .write(2, 0x00), .read(5, 0x60)]),
        Row(
            "bits 1 and 2 of IER, LCR and MCR do not clear the queue",
            [
                .write(2, 0x01), .receiveMany(1), .write(1, 0x06), .write(3, 0x06), .write(4, 0x06), .write(1, 0),
                .write(4, 0),
            ]
        ) {
            $0.fifoEnabled = true
            $0.received = ByteFIFO([1])
            $0.lineControl = UART16550.LineControl(rawValue: 0x06)
        },
    ]

    static let interrupts = [
        Row(
            "received data, without queues",
            [.write(1, 0x01), .receive(0x41), .level(true), .read(2, 0x04), .level(true)]
        ) {
            $0.interruptEnable = .receivedData
            $0.received = ByteFIFO([0x41])
        },
        Row(
            "reading RBR ends received data",
            [.write(1, 0x01), .receive(0x41), .read(0, 0x41), .level(false), .read(2, 0x01)]
        ) {
            $0.interruptEnable = .receivedData
        },
        Row("a cause that is not enabled does not interrupt", [.receive(0x41), .level(false), .read(2, 0x01)]) {
            $0.received = ByteFIFO([0x41])
        },
        Row(
            "received data from the trigger level on, character timeout below",
            [
                .write(2, 0x41), .write(1, 0x01), .level(false), .receiveMany(3), .level(true), .read(2, 0xCC),
                .receive(4), .read(2, 0xC4), .read(0, 1), .level(true), .read(2, 0xCC), .read(0, 2), .read(0, 3),
                .level(true), .read(0, 4), .level(false), .read(2, 0xC1),
            ]
        ) {
            $0.fifoEnabled = true
            $0.triggerLevel = 4
            $0.interruptEnable = .receivedData
        },
        Row(
            "trigger level 14 is reached by the 14th byte",
            [.write(2, 0xC1), .write(1, 0x01), .receiveMany(13), .read(2, 0xCC), .receive(14), .read(2, 0xC4)]
        ) {
            $0.fifoEnabled = true
            $0.triggerLevel = 14
            $0.interruptEnable = .receivedData
            $0.received = ByteFIFO([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
        },
        Row(
            "reading IIR does not end received data", [.write(1, 0x01), .receive(0x41), .read(2, 0x04), .read(2, 0x04)]
        ) {
            $0.interruptEnable = .receivedData
            $0.received = ByteFIFO([0x41])
        },
        Row(
            "an empty transmitter interrupts once it may",
            [.level(false), .write(1, 0x02), .level(true), .read(2, 0x02), .level(false), .read(2, 0x01)]
        ) {
            $0.interruptEnable = .transmitterEmpty
        },
        Row(
            "each byte sent empties the transmitter anew",
            [.write(1, 0x02), .read(2, 0x02), .level(false), .send(0x41), .level(true), .read(2, 0x02), .level(false)]
        ) {
            $0.interruptEnable = .transmitterEmpty
        },
        Row(
            "writing IER without a change for the transmitter is no new cause",
            [.write(1, 0x02), .read(2, 0x02), .write(1, 0x03), .level(false), .read(2, 0x01)]
        ) {
            $0.interruptEnable = [.transmitterEmpty, .receivedData]
        },
        Row(
            "IER going from 0 to 1 is a new cause", [.write(1, 0x02), .read(2, 0x02), .write(1, 0x00), .write(1, 0x02)]
        ) {
            $0.interruptEnable = .transmitterEmpty
            $0.transmitterEmptyPending = true
        },
        Row(
            "a transmitter that may not interrupt leaves no cause behind",
            [.write(1, 0x02), .write(1, 0x00), .send(0x41), .level(false)]),
        Row(
            "reading LSR, RBR or MSR does not end the transmitter's cause",
            [.write(1, 0x02), .read(5, 0x60), .read(0, 0), .read(6, 0xB0), .level(true)]
        ) {
            $0.interruptEnable = .transmitterEmpty
            $0.transmitterEmptyPending = true
        },
        Row(
            "priorities: line status, received data, transmitter, modem, one at a time (table IV)",
            [
                .write(4, 0x10), .write(1, 0x0F), .write(0, 0x41), .write(0, 0x42), .level(true), .read(2, 0x06),
                .read(5, 0x63), .read(2, 0x04), .read(0, 0x42), .read(2, 0x02), .read(2, 0x00), .level(true),
                .read(6, 0x0B), .read(2, 0x01), .level(false),
            ]
        ) {
            $0.interruptEnable = [.receivedData, .transmitterEmpty, .lineStatus, .modemStatus]
            $0.modemControl = .loopback
        },
        Row(
            "reading IIR for another cause keeps the transmitter's",
            [.write(1, 0x03), .receive(0x41), .read(2, 0x04), .read(0, 0x41), .level(true)]
        ) {
            $0.interruptEnable = [.receivedData, .transmitterEmpty]
            $0.transmitterEmptyPending = true
        },
        Row(
            "reading RBR does not end a line status",
            [
                .write(1, 0x04), .receive(1), .receive(2), .read(0, 2), .level(true), .read(2, 0x06), .read(5, 0x62),
                .level(false),
            ]
        ) {
            $0.interruptEnable = .lineStatus
        },
    ]

    static let modem = [
        Row(
            "loopback sends to the receiver and not to the line",
            [.write(4, 0x10), .write(0, 0x5A), .read(5, 0x61), .read(0, 0x5A), .read(6, 0x0B)]
        ) {
            $0.modemControl = .loopback
        },
        Row(
            "loopback cuts the receiver off from the line",
            [.write(4, 0x10), .receive(0x41), .read(5, 0x60), .read(6, 0x0B)]
        ) {
            $0.modemControl = .loopback
        },
        Row(
            "loopback overruns like a line",
            [.write(2, 0x01), .write(4, 0x10)] + (1...17).map { .write(0, $0) } + [.read(5, 0x63), .read(6, 0x0B)]
        ) {
            $0.fifoEnabled = true
            $0.modemControl = .loopback
            $0.received = ByteFIFO([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
        },
        Row(
            "loopback connects RTS to CTS",
            [.write(4, 0x10), .read(6, 0x0B), .write(4, 0x12), .read(6, 0x11), .read(6, 0x10)]
        ) {
            $0.modemControl = [.loopback, .requestToSend]
        },
        Row(
            "loopback connects DTR to DSR",
            [.write(4, 0x10), .read(6, 0x0B), .write(4, 0x11), .read(6, 0x22), .read(6, 0x20)]
        ) {
            $0.modemControl = [.loopback, .dataTerminalReady]
        },
        Row(
            "loopback connects OUT1 to RI, and only its end is a change",
            [
                .write(4, 0x10), .read(6, 0x0B), .write(4, 0x14), .read(6, 0x40), .write(4, 0x10), .read(6, 0x04),
                .read(6, 0x00),
            ]
        ) {
            $0.modemControl = .loopback
        },
        Row(
            "loopback connects OUT2 to DCD",
            [.write(4, 0x10), .read(6, 0x0B), .write(4, 0x18), .read(6, 0x88), .read(6, 0x80)]
        ) {
            $0.modemControl = [.loopback, .output2]
        },
        Row(
            "leaving loopback brings the terminal's lines back as changes",
            [.write(4, 0x10), .read(6, 0x0B), .write(4, 0x00), .read(6, 0xBB), .read(6, 0xB0)]),
        Row("outside loopback the outputs do not move the inputs", [.write(4, 0x0F), .read(6, 0xB0)]) {
            $0.modemControl = [.dataTerminalReady, .requestToSend, .output1, .output2]
        },
        Row("changes add up until MSR is read", [.write(4, 0x10), .write(4, 0x00)]) {
            $0.modemChanges = [.clearToSendChanged, .dataSetReadyChanged, .carrierChanged]
        },
    ]

    @Test("there is room for one byte without queues, for 16 with them, for none in loopback")
    func room() {
        var uart = UART16550()
        #expect(uart.receiveRoom == 1)
        uart.receive(0x41)
        #expect(uart.receiveRoom == 0)
        _ = uart.write(offset: Register.fifoControl, value: 0x01)
        #expect(uart.receiveRoom == 16)
        uart.receive(0x41)
        #expect(uart.receiveRoom == 15)
        _ = uart.write(offset: Register.modemControl, value: 0x10)
        #expect(uart.receiveRoom == 0)
    }
}
