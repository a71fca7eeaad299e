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
