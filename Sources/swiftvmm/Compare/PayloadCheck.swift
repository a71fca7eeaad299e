import Glibc

/// Compares a stream with the payload, byte by byte, as it arrives. That finds whatever a checksum would, costs less, and tells where.
struct PayloadCheck {
    /// The first byte that is not what it should be.
    struct Fault: Equatable {
        let position: UInt64
        let expected: UInt8
        /// From the wrong byte on.
        let found: [UInt8]
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

    /// The stream's next bytes, before the first fault.
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
        guard fault == nil else { return }
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
            found: bytes.indices.dropFirst(wrong).prefix(120).map { bytes[$0] })
    }
}
