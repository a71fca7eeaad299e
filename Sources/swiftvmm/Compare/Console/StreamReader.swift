/// Reads a child's output, and takes the time. It is the same for every subject.
struct StreamReader {
    private static let bufferSize = 256 << 10
    /// For the rest of a complaint that was printed instead, in milliseconds.
    private static let patience: Int32 = 1000

    /// What arrived.
    private(set) var check = PayloadCheck(reach: Self.bufferSize)
    /// From the first bytes' arrival to the last ones', in seconds.
    private(set) var seconds = 0.0
    /// How many bytes arrived in that time: all but the first ones.
    private(set) var timedByteCount: UInt64 = 0

    init() {}

    /// - Parameter limit: how many bytes there should be; one more, or one that is wrong, is the last that counts.
    /// - Returns: whether the stream was read to its end.
    mutating func read(_ pipe: Pipe, upTo limit: UInt64) throws(Failure) -> Bool {
        var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
        try pipe.waitForBytes()
        var first: (time: ContinuousClock.Instant, byteCount: UInt64)?
        while true {
            let count = try pipe.read(into: &buffer)
            guard count > 0 else { return true }
            let now = ContinuousClock.now
            check.add(buffer.span.extracting(first: count))
            let start = first ?? (now, check.byteCount)
            first = start
            seconds = (now - start.time) / .seconds(1)
            timedByteCount = check.byteCount - start.byteCount
            if check.fault != nil || check.byteCount > limit { break }
        }
        while let fault = check.fault, !fault.isWhole, try pipe.hasBytes(within: Self.patience) {
            let count = try pipe.read(into: &buffer)
            guard count > 0 else { break }
            check.add(buffer.span.extracting(first: count))
        }
        return false
    }
}
