/// INT 1Ah, the clock, and INT 8, its tick; and how INT 15h AH=86h waits.
extension BIOS {
    /// How many ticks a day has: a tick is 65,536 periods of the timer's 1.193182 MHz.
    private static let ticksPerDay: UInt32 = 0x1800B0

    /// The ticks since midnight, by the clock.
    mutating func startClock() {
        let seconds = [clockRegister(4), clockRegister(2), clockRegister(0)].reduce(UInt64(0)) {
            $0 &* 60 &+ UInt64(Self.binary($1))
        }
        let ticks = seconds &* 1_193_182 >> 16
        memory.store(UInt32(truncatingIfNeeded: ticks), at: BIOSDataArea.ticks)
    }

    mutating func tick() {
        let ticks = memory.load(UInt32.self, at: BIOSDataArea.ticks) &+ 1
        if ticks >= Self.ticksPerDay {
            memory.store(UInt32(0), at: BIOSDataArea.ticks)
            memory.store(memory.load(UInt8.self, at: BIOSDataArea.midnights) &+ 1, at: BIOSDataArea.midnights)
        } else {
            memory.store(ticks, at: BIOSDataArea.ticks)
        }
        // Whoever reads the ring of keys without a call has made room, perhaps.
        if ticksToKeys > 0 { ticksToKeys &-= 1 } else { machine.wantsKey() }
    }

    mutating func callClock(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        registers.carry = false
        switch registers.ah {
        case 0x00:
            let ticks = memory.load(UInt32.self, at: BIOSDataArea.ticks)
            registers.cx = UInt16(truncatingIfNeeded: ticks >> 16)
            registers.dx = ticks.word
            registers.ah = 0
            registers.al = memory.load(UInt8.self, at: BIOSDataArea.midnights)
            memory.store(UInt8(0), at: BIOSDataArea.midnights)
        case 0x01:
            memory.store(UInt32(registers.cx) << 16 | UInt32(registers.dx), at: BIOSDataArea.ticks)
            memory.store(UInt8(0), at: BIOSDataArea.midnights)
            registers.ah = 0
        case 0x02:
            registers.ch = clockRegister(4)
            registers.cl = clockRegister(2)
            registers.dh = clockRegister(0)
            registers.dl = clockRegister(0x0B) & 1
            registers.ax = UInt16(registers.ch)
        case 0x04:
            registers.ch = clockRegister(CMOSRegisters.century)
            registers.cl = clockRegister(9)
            registers.dh = clockRegister(8)
            registers.dl = clockRegister(7)
            registers.ax = UInt16(registers.ch)
        // The PCI BIOS, which a PC without it does not know either: its absence is the answer.
        case 0xB1:
            registers.ah = 0x81
            registers.carry = true
        // The clock cannot be set, and has no alarm.
        default: return .absent
        }
        return .done
    }

    private func clockRegister(_ index: UInt8) -> UInt8 {
        machine.writePort(BIOSPorts.clockIndex, index)
        return machine.readPort(BIOSPorts.clockData)
    }

    /// Of two decimal digits, as the clock has them.
    private static func binary(_ digits: UInt8) -> UInt8 { (digits >> 4) &* 10 &+ (digits & 0xF) }

    /// Begins to wait.
    ///
    /// - Returns: false where something waits already.
    mutating func beginWait(microseconds: UInt32) -> Bool {
        if let waitEnd, machine.now() < waitEnd { return false }
        waitEnd = machine.now().addingReportingOverflow(Int64(microseconds) &* 1000).partialValue
        return true
    }

    /// An interrupt has come while a call waits for a time.
    public mutating func goOnWaiting(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        if let waitEnd, machine.now() < waitEnd { return .waitsForTime }
        waitEnd = nil
        registers.carry = false
        registers.ah = 0
        return .done
    }
}

/// Where a PC has what its BIOS uses.
enum BIOSPorts {
    static let keyboardData: UInt16 = 0x60
    static let clockIndex: UInt16 = 0x70
    static let clockData: UInt16 = 0x71
    static let attributes: UInt16 = 0x3C0
    static let attributeRead: UInt16 = 0x3C1
    static let colorReadIndex: UInt16 = 0x3C7
    static let colorWriteIndex: UInt16 = 0x3C8
    static let colorData: UInt16 = 0x3C9
    static let crtIndex: UInt16 = 0x3D4
    static let crtData: UInt16 = 0x3D5
    static let inputStatus: UInt16 = 0x3DA
}
