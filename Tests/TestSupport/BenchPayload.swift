import Glibc

/// What `console-bench.elf` sends and expects: a stream with a prime period, so that a buffer that was lost, doubled or swapped
/// shows (guests/console-bench/main.c).
public final class BenchPayload: Sendable {
    private static let period = 65_521
    /// How many bytes one comparison takes.
    public static let largestPart = 256 << 10

    private let bytes: [UInt8]

    public init() {
        var state: UInt32 = 1
        let once = (0..<Self.period).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        bytes = (0..<Self.period + Self.largestPart).map { once[$0 % Self.period] }
    }

    /// The stream's bytes from `offset` on, of which ``largestPart`` at most.
    public func part(from offset: Int, count: Int) -> ArraySlice<UInt8> {
        let start = offset % Self.period
        return bytes[start..<start + count]
    }

    /// Reads a descriptor to its end.
    ///
    /// - Parameters:
    ///   - wait: called before each read, with what was read before.
    /// - Returns: how many bytes came, and how many of them before the first that is wrong.
    public func verify(_ descriptor: Int32, before wait: (Int) -> Void = { _ in }) -> (count: Int, right: Int) {
        var buffer = [UInt8](repeating: 0, count: Self.largestPart)
        var (count, right) = (0, 0)
        while true {
            wait(count)
            // SAFETY: the buffer holds as many bytes as it counts.
            let part = unsafe read(descriptor, &buffer, buffer.count)
            guard part > 0 else { return (count, right) }
            // SAFETY: both hold as many bytes as are compared.
            let isRight = unsafe self.part(from: count, count: part).withUnsafeBytes { expected in
                unsafe memcmp(expected.baseAddress!, buffer, part) == 0
            }
            if right == count, isRight { right += part }
            count += part
        }
    }
}
