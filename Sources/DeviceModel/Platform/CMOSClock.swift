import Synchronization

/// A PC's real-time clock and CMOS storage: offset 0, port 0x70, chooses a register; offset 1, port 0x71, is its
/// content (Motorola MC146818A). It makes no interrupts.
public final class CMOSClock: BytePortDevice {
    private struct State {
        var index: UInt8 = 0
        var registers = CMOSRegisters()
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// Makes a clock.
    ///
    /// - Parameter now: the time in seconds since 1970-01-01 00:00:00 UTC. It is called from inside the clock's lock.
    public init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// The content of the chosen register; the port that chooses reads 0xFF.
    public func readByte(offset: UInt64) -> UInt8 {
        guard offset == 1 else { return 0xFF }
        return state.withLock { state in
            state.registers.read(state.index, at: CivilTime(unixSeconds: now()))
        }
    }

    /// Chooses a register, by the lowest 7 bits of the value (bit 7 masks NMIs, of which there are none), or writes it.
    public func writeByte(offset: UInt64, value: UInt8) {
        state.withLock { state in
            switch offset {
            case 0: state.index = value & 0x7F
            case 1: state.registers.write(state.index, value: value)
            default: break
            }
        }
    }
}

/// The 128 bytes behind a PC's CMOS ports: clock, alarm, control and storage (Motorola MC146818A, "Address Map").
///
/// A pure value: the time is an argument. The clock shows the host's time and cannot be set: writes to it are ignored.
package struct CMOSRegisters: Equatable, Sendable {
    /// Register A, control: the usual time base of 32.768 kHz and a rate of 1,024 Hz. Bit 7 would say that the time is
    /// being updated; here it never is.
    private static let controlA = 0x0A
    /// Register B, control: binary or BCD (bit 2), 24 or 12 hours (bit 1).
    private static let controlB = 0x0B
    /// Where PC firmware keeps the century, and where its ACPI tables say so.
    package static let century: UInt8 = 0x32

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
        case Self.century:
            encode(CivilTime.divideDown(CivilTime.divideDown(time.year, by: 100).quotient, by: 100).remainder)
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
        case 0x00, 0x02, 0x04, 0x06...0x09, Self.century, 0x0C, 0x0D: break
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

/// A moment as calendar and clock show it, in UTC (Gregorian calendar, no leap seconds).
package struct CivilTime: Equatable, Sendable {
    /// The full year, such as 2026; it may be negative.
    package let year: Int64
    /// 1 to 12.
    package let month: Int64
    /// 1 to 31.
    package let day: Int64
    /// 1 to 7, from Sunday.
    package let weekday: Int64
    /// 0 to 23.
    package let hour: Int64
    /// 0 to 59.
    package let minute: Int64
    /// 0 to 59.
    package let second: Int64

    /// The moment `unixSeconds` after 1970-01-01 00:00:00 UTC; every value has one.
    ///
    /// Years are counted from March, so that the leap day is the last of a year and month lengths follow a formula, in
    /// eras of 400 years, which all have 146,097 days. No step can overflow: the first division makes
    /// all numbers small.
    package init(unixSeconds: Int64) {
        let (days, secondOfDay) = Self.divideDown(unixSeconds, by: 86_400)
        hour = secondOfDay / 3_600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
        // 1970-01-01 was a Thursday.
        weekday = Self.divideDown(days + 4, by: 7).remainder + 1

        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        let (era, dayOfEra) = Self.divideDown(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = 400 * era + yearOfEra + (month <= 2 ? 1 : 0)
    }

    /// Quotient and remainder with the quotient rounded down, so that the remainder is never negative.
    package static func divideDown(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
