/// What every technique prints. The period is prime: a buffer of any usual size that is lost, doubled or swapped shows.
enum ConsolePayload {
    static let period = 65_521
    static let largestBuffer = 65_536

    /// The stream's first bytes: one period, and so much more that any stretch of `reach` bytes that begins in the first period is
    /// one piece of memory.
    static func pattern(reach: Int) -> [UInt8] {
        var state: UInt32 = 1
        var period: [UInt8] = []
        period.reserveCapacity(Self.period)
        for _ in 0..<Self.period {
            state = state &* 1_664_525 &+ 1_013_904_223
            period.append(UInt8(state >> 24))
        }
        var pattern = period
        while pattern.count < Self.period + reach { pattern += period }
        return pattern
    }
}
