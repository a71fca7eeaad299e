/// The state of a 16550A serial port: registers, receiver queue and pending causes (National Semiconductor PC16550D,
/// June 1995).
///
/// A pure value: it does no input or output, so that a test can compare it whole. ``SerialPort`` connects it.
///
/// The line has no speed. A byte written to THR has left at once, so THRE and TEMT are always set. Bytes come in
/// bursts, and the four character times of silence after which the chip reports a character timeout have passed when a
/// burst ends: a queue below its trigger level reports the timeout straight away. One that has reached the level
/// reports received data, also if the timeout showed before; a chip would go on showing that until RBR is read.
///
/// The chip's interrupt output is modelled, not the PC/AT's gate on it: OUT2 does not mask interrupts. In loopback they
/// stay operational, those of the looped byte and of the looped modem lines alike (§8.8).
public struct UART16550: Equatable, Sendable {
    package var interruptEnable: InterruptEnable = []
    package var lineControl: LineControl = []
    package var modemControl: ModemControl = []
    /// Only the four change bits; the lines themselves follow from the mode.
    package var modemChanges: ModemStatus = []
    package var scratch: UInt8 = 0
    /// The baud rate divisor, DLM and DLL. The data sheet leaves its value at reset open; 12 is 9,600 baud (table III).
    package var divisor: UInt16 = 12
    package var fifoEnabled = false
    /// In bytes, and 1 in 16450 mode.
    package var triggerLevel = 1
    /// In 16450 mode it holds at most one byte, RBR.
    package var received = ByteFIFO()
    package var overrun = false
    /// Always false while ``interruptEnable`` lacks the cause.
    package var transmitterEmptyPending = false

    /// A chip after reset (PC16550D table I).
    public init() {}

    /// Reads a register; the read itself clears causes, as table IV says. Only the lowest 3 bits of `offset` count.
    public mutating func read(offset: UInt64) -> UInt8 {
        switch offset & 7 {
        case 0 where divisorLatchIsOpen: UInt8(truncatingIfNeeded: divisor)
        case 0: received.popFirst() ?? 0
        case 1 where divisorLatchIsOpen: UInt8(truncatingIfNeeded: divisor >> 8)
        case 1: interruptEnable.rawValue
        case 2: readInterruptIdentification()
        case 3: lineControl.rawValue
        case 4: modemControl.rawValue
        case 5: readLineStatus()
        case 6: readModemStatus()
        default: scratch
        }
    }

    /// Writes a register. Only the lowest 3 bits of `offset` count; LSR and MSR cannot be written.
    ///
    /// - Returns: the byte to send, if the write was one to THR outside loopback mode.
    public mutating func write(offset: UInt64, value: UInt8) -> UInt8? {
        switch offset & 7 {
        case 0 where divisorLatchIsOpen: divisor = divisor & 0xFF00 | UInt16(value)
        case 0: return transmit(value)
        case 1 where divisorLatchIsOpen: divisor = divisor & 0x00FF | UInt16(value) << 8
        case 1: enableInterrupts(InterruptEnable(rawValue: value))
        case 2: controlFIFO(FIFOControl(rawValue: value))
        case 3: lineControl = LineControl(rawValue: value)
        case 4: controlModem(ModemControl(rawValue: value))
        case 7: scratch = value
        default: break
        }
        return nil
    }

    /// Takes a byte from the line. In loopback mode the receiver is cut off from the line and the byte is lost: ask
    /// ``receiveRoom`` before.
    public mutating func receive(_ byte: UInt8) {
        guard !modemControl.contains(.loopback) else { return }
        accept(byte)
    }

    /// How many bytes the line may bring now without loss: none in loopback mode.
    public var receiveRoom: Int {
        guard !modemControl.contains(.loopback) else { return 0 }
        return (fifoEnabled ? ByteFIFO.capacity : 1) &- received.count
    }

    /// Whether a received byte waits for the guest.
    public var hasReceivedData: Bool {
        received.count > 0
    }

    /// The interrupt output, INTR.
    public var interruptLevel: Bool {
        pendingInterrupt != .none
    }

    private var divisorLatchIsOpen: Bool {
        lineControl.contains(.divisorLatchAccess)
    }

    /// The enabled cause of highest priority (PC16550D table IV).
    private var pendingInterrupt: InterruptIdentification {
        if interruptEnable.contains(.lineStatus), overrun { return .lineStatus }
        if interruptEnable.contains(.receivedData), hasReceivedData {
            return received.count >= triggerLevel ? .receivedData : .characterTimeout
        }
        if transmitterEmptyPending { return .transmitterEmpty }
        if interruptEnable.contains(.modemStatus), !modemChanges.isEmpty { return .modemStatus }
        return .none
    }

    private var modemLines: ModemStatus {
        modemControl.contains(.loopback) ? ModemStatus(loopingBack: modemControl) : .connected
    }

    private mutating func readInterruptIdentification() -> UInt8 {
        let pending = pendingInterrupt
        if pending == .transmitterEmpty {
            transmitterEmptyPending = false
        }
        // Bits 6 and 7 say that the queues are on.
        return pending.rawValue | (fifoEnabled ? 0xC0 : 0)
    }

    private mutating func readLineStatus() -> UInt8 {
        var status: LineStatus = [.transmitterHoldingEmpty, .transmitterEmpty]
        if hasReceivedData { status.insert(.dataReady) }
        if overrun { status.insert(.overrunError) }
        overrun = false
        return status.rawValue
    }

    private mutating func readModemStatus() -> UInt8 {
        let status = modemLines.union(modemChanges)
        modemChanges = []
        return status.rawValue
    }

    private mutating func transmit(_ byte: UInt8) -> UInt8? {
        // The write clears the cause, and sets it again at once, because the transmitter is empty again at once.
        transmitterEmptyPending = interruptEnable.contains(.transmitterEmpty)
        guard modemControl.contains(.loopback) else { return byte }
        accept(byte)
        return nil
    }

    private mutating func accept(_ byte: UInt8) {
        if fifoEnabled {
            // A full queue keeps what it holds; the new byte is lost (PC16550D §8.4, bit 1).
            if !received.append(byte) { overrun = true }
        } else {
            // Without the queue the new byte overwrites the old one (the same place).
            if hasReceivedData { overrun = true }
            received = ByteFIFO([byte])
        }
    }

    private mutating func enableInterrupts(_ enable: InterruptEnable) {
        let isNew = !interruptEnable.contains(.transmitterEmpty)
        interruptEnable = enable
        if !enable.contains(.transmitterEmpty) {
            transmitterEmptyPending = false
        } else if isNew {
            // The transmitter is always empty, so the cause exists as soon as it may interrupt. Drivers start sending
            // this way, and Linux takes a chip that does not do it for a faulty one.
            transmitterEmptyPending = true
        }
    }

    private mutating func controlFIFO(_ control: FIFOControl) {
        let enable = control.contains(.enable)
        // A change of mode empties the receiver. The other bits are ignored unless bit 0 is set in the same write; that
        // the transmitter's queue is cleared has no effect, because it never holds anything.
        if enable != fifoEnabled || enable && control.contains(.clearReceiver) {
            received = ByteFIFO()
        }
        fifoEnabled = enable
        triggerLevel = enable ? control.triggerLevel : 1
    }

    private mutating func controlModem(_ control: ModemControl) {
        let before = modemLines
        modemControl = control
        modemChanges.formUnion(before.changes(to: modemLines))
    }
}
