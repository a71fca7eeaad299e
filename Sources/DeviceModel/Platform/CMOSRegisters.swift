/// The 128 bytes behind a PC's CMOS ports: clock, alarm, control and storage (Motorola MC146818A, "Address Map").
///
/// A pure value: the time is an argument. The clock shows the host's time and cannot be set: writes to it are ignored.
package struct CMOSRegisters: Equatable, Sendable {
    /// Register A, control: the usual time base of 32.768 kHz and a rate of 1,024 Hz. Bit 7 would say that the time is
    /// being updated; here it never is.
    private static let controlA = 0x0A
    /// Register B, control: binary or BCD (bit 2), 24 or 12 hours (bit 1).
    private static let controlB = 0x0B

    private var bytes: [UInt8]

    /// Registers of a clock that shows BCD and 24 hours, all storage 0.
    package init() {
        bytes = Array(repeating: 0, count: 128)
        bytes[Self.controlA] = 0x26
        bytes[Self.controlB] = 0x02
    }

    /// What the register shows at this time; only the lowest 7 bits of `index` count.
    package func read(_ index: UInt8, at time: CivilTime) -> UInt8 {
        switch index & 0x7F {
        case 0x00: encode(time.second)
        case 0x02: encode(time.minute)
        case 0x04: encodeHour(time.hour)
        case 0x06: encode(time.weekday)
        case 0x07: encode(time.day)
        case 0x08: encode(time.month)
        case 0x09: encode(CivilTime.divideDown(time.year, by: 100).remainder)
        // Where PC firmware keeps the century, and where its ACPI tables say so.
        case 0x32: encode(CivilTime.divideDown(CivilTime.divideDown(time.year, by: 100).quotient, by: 100).remainder)
        // Register C: no interrupt is pending, ever.
        case 0x0C: 0
        // Register D: the battery is good.
        case 0x0D: 0x80
        case let index: bytes[Int(index)]
        }
    }

    /// Stores a byte, where the register is not one of the clock's own; only the lowest 7 bits of `index` count.
    package mutating func write(_ index: UInt8, value: UInt8) {
        switch index & 0x7F {
        case 0x00, 0x02, 0x04, 0x06...0x09, 0x32, 0x0C, 0x0D: break
        case 0x0A: bytes[Self.controlA] = value & 0x7F
        // Seven bits name every byte there is.
        case let index: bytes[Int(index)] = value
        }
    }

    private func encodeHour(_ hour: Int64) -> UInt8 {
        guard bytes[Self.controlB] & 0x02 == 0 else { return encode(hour) }
        // Noon and midnight are 12; bit 7 says afternoon.
        return encode((hour + 11) % 12 + 1) | (hour < 12 ? 0 : 0x80)
    }

    /// A number from 0 to 99 in the form that register B asks for.
    private func encode(_ number: Int64) -> UInt8 {
        let isBinary = bytes[Self.controlB] & 0x04 != 0
        let form = isBinary ? number : (number / 10) * 16 + number % 10
        return UInt8(truncatingIfNeeded: form)
    }
}
