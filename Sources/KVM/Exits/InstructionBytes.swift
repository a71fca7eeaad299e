/// Up to 15 bytes of an instruction (Intel SDM vol. 2A section 2.3.11), held without allocation.
public struct InstructionBytes: Equatable, Sendable, CustomStringConvertible {
    private let low: UInt64
    private let high: UInt64
    public let count: Int

    /// - Parameters:
    ///   - low: bytes 0 to 7, little-endian.
    ///   - high: bytes 8 to 14.
    init(low: UInt64, high: UInt64, count: Int) {
        self.low = low
        self.high = high
        self.count = min(max(0, count), 15)
    }

    public init(_ bytes: some Sequence<UInt8>) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var count = 0
        for byte in bytes.prefix(15) {
            if count < 8 { low |= UInt64(byte) << (8 * count) } else { high |= UInt64(byte) << (8 * (count - 8)) }
            count += 1
        }
        self.init(low: low, high: high, count: count)
    }

    public var bytes: [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 < 8 ? low >> (8 * $0) : high >> (8 * ($0 - 8))) }
    }

    /// In hexadecimal, as a disassembler takes them: `0f 0b`.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
