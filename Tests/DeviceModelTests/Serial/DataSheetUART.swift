/// A second description of the chip, made only to be compared with `UART16550`: a rule for each sentence of the
/// PC16550D data sheet, events and latches where the other has computed states, and a plain array for the queue.
///
/// Where the data sheet leaves something open it follows what `UART16550` says about itself: a byte takes no time, four
/// character times have passed whenever anyone looks, an empty RBR reads 0, and a modem is there and ready.
struct DataSheetUART: Hashable {
    // The bits that a write stores, by the names of table II.
    private var ier: UInt8 = 0
    private var lcr: UInt8 = 0
    private var mcr: UInt8 = 0
    private var scr: UInt8 = 0
    private var dll: UInt8 = 12
    private var dlm: UInt8 = 0
    /// FCR, of a write whose bit 0 was set; else 0.
    private var fcr: UInt8 = 0
    private var queue: [UInt8] = []
    /// LSR bit 1.
    private var overrun = false
    /// The event "THR became empty", until something takes notice of it. IER has no part in it.
    private var becameEmpty = true
    /// MSR bits 0 to 3, in that order; and what the four inputs were when last looked at.
    private var deltas: [Bool] = [false, false, false, false]
    private var lines: [Bool] = [true, true, false, true]

    private var isLoopback: Bool { mcr & 0x10 != 0 }
    private var isDLAB: Bool { lcr & 0x80 != 0 }
    private var isFIFO: Bool { fcr & 0x01 != 0 }
    private var capacity: Int { isFIFO ? 16 : 1 }

    /// §8.5: "Bits 6 and 7 set the trigger level". In 16450 mode a single byte is reported.
    private var trigger: Int { isFIFO ? [1, 4, 8, 14][Int(fcr / 64)] : 1 }

    // MARK: What is seen from outside

    var room: Int { isLoopback ? 0 : capacity - queue.count }
    var hasData: Bool { !queue.isEmpty }
    var level: Bool { cause & 0x01 == 0 }

    /// Table IV, a row each, the highest priority first: the code in IIR, the bit of IER, the condition.
    private var cause: UInt8 {
        let rows: [(code: UInt8, enable: UInt8, isThere: Bool)] = [
            (0b0110, 4, overrun),
            (0b0100, 1, queue.count >= trigger),
            (0b1100, 1, isFIFO && !queue.isEmpty),
            (0b0010, 2, becameEmpty),
            (0b0000, 8, deltas.contains(true)),
        ]
        for row in rows where row.isThere && ier & row.enable != 0 {
            return row.code
        }
        return 0b0001
    }

    // MARK: What happens to it

    /// The line brings a byte. §8.8: in loopback "the receiver serial input is disconnected".
    mutating func lineBrings(_ byte: UInt8) {
        if !isLoopback { characterArrives(byte) }
    }

    mutating func read(_ register: UInt8) -> UInt8 {
        switch (register, isDLAB) {
        case (0, true): return dll
        case (0, false): return queue.isEmpty ? 0 : queue.removeFirst()
        case (1, true): return dlm
        case (1, false): return ier
        case (2, _):
            // §8.6: bits 6 and 7 "are set when FCR0 = 1".
            let value = cause + (isFIFO ? 192 : 0)
            // Table IV: "Reading the IIR Register (if source of interrupt)".
            if value % 16 == 0b0010 { becameEmpty = false }
            return value
        case (3, _): return lcr
        case (4, _): return mcr
        case (5, _):
            // §8.4: THRE and TEMT are always true here; the OE indicator "is reset whenever the CPU reads" LSR.
            let value: UInt8 = 0x60 + (queue.isEmpty ? 0 : 1) + (overrun ? 2 : 0)
            overrun = false
            return value
        case (6, _):
            // §8.9: bits 0 to 3 "are reset to logic 0 whenever the CPU reads the MODEM Status Register".
            var value: UInt8 = 0
            for (bit, isSet) in (deltas + lines).enumerated() where isSet {
                value += UInt8(1 << bit)
            }
            deltas = [false, false, false, false]
            return value
        default: return scr
        }
    }

    /// Returns the byte that leaves on the line, if one does.
    mutating func write(_ register: UInt8, _ value: UInt8) -> UInt8? {
        switch (register, isDLAB) {
        case (0, true): dll = value
        case (0, false): return load(value)
        case (1, true): dlm = value
        case (1, false):
            // The chip's latch sees the AND of "THR is empty" and IER bit 1 rise.
            if ier & 2 == 0, value & 2 != 0 { becameEmpty = true }
            ier = value % 16
        case (2, _): programFIFOs(value)
        case (3, _): lcr = value
        case (4, _):
            mcr = value % 32
            lookAtModemLines()
        case (7, _): scr = value
        default: break  // LSR is "intended for read operations only"; MSR bits are not for writing either.
        }
        return nil
    }

    // MARK: What the parts of the chip do

    /// Table IV: "writing into the Transmitter Holding Register" takes the interrupt back; then the byte leaves.
    private mutating func load(_ byte: UInt8) -> UInt8? {
        becameEmpty = false
        defer { becameEmpty = true }
        // §8.8: "the output of the Transmitter Shift Register is looped back into the Receiver Shift Register".
        guard isLoopback else { return byte }
        characterArrives(byte)
        return nil
    }

    private mutating func characterArrives(_ byte: UInt8) {
        guard queue.count == capacity else {
            queue.append(byte)
            return
        }
        overrun = true
        // §8.4: without FIFOs the old character is destroyed; with them the new one "is not transferred to the FIFO".
        if !isFIFO { queue[0] = byte }
    }

    /// §8.5: bit 0 "must be a 1 when other FCR bits are written to or they will not be programmed".
    private mutating func programFIFOs(_ value: UInt8) {
        let new = value & 1 == 0 ? 0 : value
        // "When changing from the FIFO Mode to the 16450 Mode and vice versa, data is automatically cleared".
        if new & 1 != fcr & 1 { queue.removeAll() }
        // "Writing a 1 to FCR1 clears all bytes in the RCVR FIFO", and the bit "is self-clearing".
        if new & 2 != 0 { queue.removeAll() }
        fcr = new & 0b1100_0001
    }

    /// §8.8 and §8.9: in loopback CTS is RTS, DSR is DTR, RI is OUT1, DCD is OUT2; a change is latched, but of RI only
    /// the trailing edge.
    private mutating func lookAtModemLines() {
        let outputs = (0..<4).map { mcr & (1 << $0) != 0 }
        let now = isLoopback ? [outputs[1], outputs[0], outputs[2], outputs[3]] : [true, true, false, true]
        for input in 0..<4 where now[input] != lines[input] {
            if input != 2 || !now[input] { deltas[input] = true }
        }
        lines = now
    }
}
