import TestSupport
import Testing

@testable import DeviceModel

@Suite("Integers with their lowest byte first")
struct LittleEndianTests {
    private static let bytes: [UInt8] = (1...16).map { $0 }

    @Test("an integer is read at each offset that holds it whole, in a slice too, and nowhere else")
    func load() {
        let slice = ([0xEE, 0xEE] + Self.bytes + [0xEE])[2..<18]
        for offset in [.min, -1, .max, .max - 7] + Array(0...17) {
            let expected: UInt64? =
                (0...8).contains(offset) ? (0..<8).reduce(0) { $0 + UInt64(offset + $1 + 1) << (8 * $1) } : nil
            #expect(Self.bytes.loadLittleEndian(UInt64.self, at: offset) == expected)
            #expect(slice.loadLittleEndian(UInt64.self, at: offset) == expected)
            let byte: UInt8? = (0...15).contains(offset) ? UInt8(offset + 1) : nil
            #expect(Self.bytes.loadLittleEndian(UInt8.self, at: offset) == byte)
        }
        #expect([UInt8]().loadLittleEndian(UInt16.self, at: 0) == nil)
        #expect(([0xFE, 0xFF] as [UInt8]).loadLittleEndian(Int16.self, at: 0) == -2)
    }

    @Test("an integer is written over the bytes at an offset, and not at all where it does not fit")
    func store() {
        for offset in [.min, -1, .max, .max - 3] + Array(0...17) {
            var (bytes, expected) = (Self.bytes, Self.bytes)
            bytes.storeLittleEndian(UInt32(0xD4C3_B2A1), at: offset)
            if (0...12).contains(offset) {
                expected.replaceSubrange(offset..<(offset + 4), with: [0xA1, 0xB2, 0xC3, 0xD4])
            }
            #expect(bytes == expected)
        }
        var bytes = Self.bytes
        bytes.storeLittleEndian(Int16(-2), at: 0)
        #expect(bytes.prefix(3) == [0xFE, 0xFF, 3])
    }

    @Test("an integer is added behind the bytes")
    func append() {
        var bytes: [UInt8] = [9]
        bytes.appendLittleEndian(UInt32(0x0403_0201))
        bytes.appendLittleEndian(UInt8(5))
        bytes.appendLittleEndian(Int16(-1))
        bytes.appendLittleEndian(UInt64.max - 1)
        #expect(bytes == [9, 1, 2, 3, 4, 5, 0xFF, 0xFF, 0xFE] + [UInt8](repeating: 0xFF, count: 7))
    }

    @Test("what was written is read again", arguments: [1, 2] as [UInt64])
    func again(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            let (value, offset) = (random.next(), Int(random.next() % 9))
            var bytes = Self.bytes
            bytes.storeLittleEndian(value, at: offset)
            #expect(bytes.loadLittleEndian(UInt64.self, at: offset) == value)
            #expect(bytes.count == 16)
        }
    }
}
