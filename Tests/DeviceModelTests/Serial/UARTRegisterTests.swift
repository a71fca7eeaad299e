import DeviceModel
import Testing

/// Every value written to every register, and the whole state that comes of it (PC16550D table II).
@Suite("Registers of a 16550 UART")
struct UARTRegisterTests {
    /// What a write to an offset does to a busy chip.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let offset: UInt64
        var isLatchOpen = false
        /// What a read of the same offset then gives, where that is what was written.
        var readBack: (@Sendable (UInt8) -> UInt8)?
        var isSent = false
        var store: @Sendable (inout UART16550, UInt8) -> Void = { _, _ in }
    }

    /// A chip in which no field is as after reset, so that a write to the wrong one shows.
    static func busy(isLatchOpen: Bool) -> UART16550 {
        UART16550 {
            $0.interruptEnable = [.receivedData, .lineStatus]
            $0.lineControl = UART16550.LineControl(rawValue: isLatchOpen ? 0x9B : 0x1B)
            $0.modemControl = [.output1, .output2]
            $0.modemChanges = [.carrierChanged]
            $0.scratch = 0x77
            $0.divisor = 0x1234
            $0.fifoEnabled = true
            $0.triggerLevel = 8
            $0.received = ByteFIFO([0xE1, 0xE2])
            $0.overrun = true
        }
    }

    static let rows = [
        Row(testDescription: "THR", offset: 0, isSent: true),
        Row(
            testDescription: "DLL", offset: 0, isLatchOpen: true, readBack: { $0 },
            store: { $0.divisor = 0x1200 | UInt16($1) }),
        Row(
            testDescription: "IER", offset: 1, readBack: { $0 & 0x0F },
            store: {
                $0.interruptEnable = UART16550.InterruptEnable(rawValue: $1 & 0x0F)
                $0.transmitterEmptyPending = $1 & 0x02 != 0
            }),
        Row(
            testDescription: "DLM", offset: 1, isLatchOpen: true, readBack: { $0 },
            store: { $0.divisor = UInt16($1) << 8 | 0x34 }),
        Row(testDescription: "FCR", offset: 2, store: storeFIFOControl),
        Row(testDescription: "FCR, latch open", offset: 2, isLatchOpen: true, store: storeFIFOControl),
        Row(
            testDescription: "LCR", offset: 3, readBack: { $0 },
            store: { $0.lineControl = UART16550.LineControl(rawValue: $1) }),
        Row(
            testDescription: "LCR, latch open", offset: 3, isLatchOpen: true, readBack: { $0 },
            store: { $0.lineControl = UART16550.LineControl(rawValue: $1) }),
        Row(testDescription: "MCR", offset: 4, readBack: { $0 & 0x1F }, store: storeModemControl),
        Row(
            testDescription: "MCR, latch open", offset: 4, isLatchOpen: true, readBack: { $0 & 0x1F },
            store: storeModemControl),
        Row(testDescription: "LSR", offset: 5),
        Row(testDescription: "MSR", offset: 6),
        Row(testDescription: "SCR", offset: 7, readBack: { $0 }, store: { $0.scratch = $1 }),
        Row(
            testDescription: "SCR, latch open", offset: 7, isLatchOpen: true, readBack: { $0 },
            store: { $0.scratch = $1 }),
    ]

    /// FCR in a chip whose queues are on: §8.5.
    @Sendable static func storeFIFOControl(_ uart: inout UART16550, _ value: UInt8) {
        if value & 0x03 != 0x01 { uart.received = ByteFIFO() }
        uart.fifoEnabled = value & 0x01 != 0
        uart.triggerLevel = value & 0x01 == 0 ? 1 : [1, 4, 8, 14][Int(value >> 6)]
    }

    /// MCR in a chip that was not in loopback: §8.8.
    @Sendable static func storeModemControl(_ uart: inout UART16550, _ value: UInt8) {
        uart.modemControl = UART16550.ModemControl(rawValue: value & 0x1F)
        guard value & 0x10 != 0 else { return }
        // CTS, DSR and DCD were on; RI was off, and that it goes on is no change.
        if value & 0x02 == 0 { uart.modemChanges.insert(.clearToSendChanged) }
        if value & 0x01 == 0 { uart.modemChanges.insert(.dataSetReadyChanged) }
        if value & 0x08 == 0 { uart.modemChanges.insert(.carrierChanged) }
    }

    @Test("a write changes what it should and nothing else, whatever the value", arguments: rows)
    func write(row: Row) {
        for value in UInt8.min...UInt8.max {
            var uart = Self.busy(isLatchOpen: row.isLatchOpen)
            let sent = uart.write(offset: row.offset, value: value)
            #expect(sent == (row.isSent ? value : nil), "value \(value)")
            var expected = Self.busy(isLatchOpen: row.isLatchOpen)
            row.store(&expected, value)
            #expect(uart == expected, "value \(value)")
            if let readBack = row.readBack {
                let read = uart.read(offset: row.offset)
                #expect(read == readBack(value), "value \(value)")
                #expect(uart == expected, "value \(value)")
            }
        }
    }

    @Test(
        "FCR without bit 0 changes nothing in 16450 mode, and with it empties the receiver", arguments: [false, true])
    func fifoControl(isByteWaiting: Bool) {
        for value in UInt8.min...UInt8.max {
            let before = UART16550 { $0.received = ByteFIFO(isByteWaiting ? [0x41] : []) }
            var uart = before
            _ = uart.write(offset: Register.fifoControl, value: value)
            let on = UART16550 {
                $0.fifoEnabled = true
                $0.triggerLevel = [1, 4, 8, 14][Int(value >> 6)]
            }
            #expect(uart == (value & 0x01 == 0 ? before : on), "value \(value)")
        }
    }

    @Test("MSR is right after every change of MCR, with the trailing edge of RI only", arguments: 0..<32)
    func modemLines(before: Int) {
        /// Bits 4 to 7 of MSR: CTS, DSR, RI and DCD.
        func lines(_ outputs: UInt8) -> UInt8 {
            guard outputs & 0x10 != 0 else { return 0xB0 }
            return outputs << 4 & 0xC0 | outputs << 3 & 0x10 | outputs << 5 & 0x20
        }
        let before = UInt8(before)
        for after in 0..<32 as Range<UInt8> {
            var uart = UART16550 { $0.modemControl = UART16550.ModemControl(rawValue: before) }
            _ = uart.write(offset: Register.modemControl, value: after)
            let toggled = lines(before) ^ lines(after)
            let changes = (toggled & 0xB0 | toggled & lines(before) & 0x40) >> 4
            let read = uart.read(offset: Register.modemStatus)
            #expect(read == lines(after) | changes, "MCR \(before), then \(after)")
            #expect(uart == UART16550 { $0.modemControl = UART16550.ModemControl(rawValue: after) })
        }
    }
}
