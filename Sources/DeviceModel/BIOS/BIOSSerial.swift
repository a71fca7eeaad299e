/// INT 14h: the serial ports.
extension BIOS {
    private static let lineStatus: UInt16 = 5
    private static let modemStatus: UInt16 = 6
    private static let timeout: UInt8 = 0x80

    mutating func callSerial(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        guard registers.ah <= 3 else { return .absent }
        guard registers.dx < 4 else {
            registers.carry = true
            return .done
        }
        let port = memory.load(UInt16.self, at: BIOSDataArea.serialPorts &+ UInt64(registers.dx) &* 2)
        // The word is the guest's to change, but no other device can be had by it.
        guard machine.serialPorts.contains(port) else {
            registers.carry = true
            return .done
        }
        let function = registers.ah
        if function == 0 { setLine(port, registers.al) }
        let line = machine.readPort(port &+ Self.lineStatus)
        switch function {
        case 1:
            // Holding and shift register are empty.
            let isFree = line & 0x60 == 0x60
            if isFree { machine.writePort(port, registers.al) }
            registers.ah = isFree ? line : line | Self.timeout
        case 2:
            // Whoever waits for a byte calls again, and is told meanwhile that none came.
            let isThere = line & 1 != 0
            if isThere { registers.al = machine.readPort(port) }
            registers.ah = isThere ? line : line | Self.timeout
        default:
            registers.ah = line
            registers.al = machine.readPort(port &+ Self.modemStatus)
        }
        registers.carry = false
        return .done
    }

    /// Sets speed, parity, stop bits and word length, as AL's bits 7 to 5, 4 and 3, 2, and 1 and 0 say.
    private func setLine(_ port: UInt16, _ value: UInt8) {
        // 110 to 9,600 baud, of 115,200.
        let divisors: [UInt16] = [1047, 768, 384, 192, 96, 48, 24, 12]
        let divisor = divisors[Int(value >> 5)]
        machine.writePort(port &+ 3, value & 0x1F | 0x80)
        machine.writePort(port, divisor.low)
        machine.writePort(port &+ 1, divisor.high)
        machine.writePort(port &+ 3, value & 0x1F)
    }
}
