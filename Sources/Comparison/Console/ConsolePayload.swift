import Glibc
import LinuxHost
import SystemPackage

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

/// Compares a stream with the payload, byte by byte, as it arrives. That finds whatever a checksum would, costs less, and tells where.
struct PayloadCheck {
    /// The first byte that is not what it should be.
    struct Fault: Equatable {
        let position: UInt64
        let expected: UInt8
        /// From the wrong byte on, as many as a message shows.
        fileprivate(set) var found: [UInt8]

        fileprivate static let longest = 120

        /// Whether it shows all that there is to show: a line, or enough of one.
        var isWhole: Bool { found.count >= Self.longest || found.contains(0x0A) }
    }

    private let pattern: [UInt8]
    private let reach: Int
    private(set) var byteCount: UInt64 = 0
    private(set) var fault: Fault?

    /// - Parameter reach: how many bytes are compared at once.
    init(reach: Int) {
        self.reach = max(1, reach)
        pattern = ConsolePayload.pattern(reach: reach)
    }

    /// The stream's next bytes.
    mutating func add(_ bytes: Span<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.extracting(first: reach)
            compare(piece)
            rest = rest.extracting(droppingFirst: piece.count)
        }
    }

    /// - Parameter bytes: not empty, and no more than the reach.
    private mutating func compare(_ bytes: Span<UInt8>) {
        defer { byteCount += UInt64(bytes.count) }
        if let room = fault.map({ Fault.longest - $0.found.count }) {
            for index in bytes.indices.prefix(room) { fault?.found.append(bytes[index]) }
            return
        }
        let offset = Int(byteCount % UInt64(ConsolePayload.period))
        // SAFETY: neither is empty, and from an offset in its first period on the pattern is at least as long as the reach.
        let isRight = unsafe pattern.withUnsafeBytes { expected in
            unsafe bytes.withUnsafeBytes {
                unsafe memcmp(expected.baseAddress! + offset, $0.baseAddress!, $0.count) == 0
            }
        }
        guard !isRight, let wrong = bytes.indices.first(where: { bytes[$0] != pattern[offset + $0] }) else { return }
        fault = Fault(
            position: byteCount + UInt64(wrong), expected: pattern[offset + wrong],
            found: bytes.indices.dropFirst(wrong).prefix(Fault.longest).map { bytes[$0] })
    }
}

/// What `compare console` measures the techniques against: a process that is no virtual machine writes the same bytes to the
/// same place.
package enum PayloadWriter {
    package static let largestBuffer = ConsolePayload.largestBuffer

    /// Writes to standard output.
    ///
    /// - Parameter buffer: bytes of each write, from 1 to ``largestBuffer``.
    package static func write(bytes: UInt64, buffer: Int) throws(ComparisonError) {
        let pattern = ConsolePayload.pattern(reach: buffer)
        var offset = 0
        var rest = bytes
        while rest > 0 {
            let length = Int(min(UInt64(buffer), rest))
            // SAFETY: the pattern is as long as its period and a buffer, and the offset is inside the first period.
            let count = unsafe pattern.withUnsafeBytes {
                unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress?.advanced(by: offset), length)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .output("cannot write to standard output: \(Errno.current)") }
            rest -= UInt64(count)
            offset = (offset + count) % ConsolePayload.period
        }
    }
}
