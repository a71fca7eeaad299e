/// Integers with their lowest byte first in arrays of bytes, as a PC's tables and virtio's structures have them. Offsets count bytes
/// from the first one, in a slice too.
extension Collection<UInt8> {
    /// The integer at `offset`, or nil where the bytes do not hold all of it: any offset may be asked for, whoever chose it.
    @inlinable
    package func loadLittleEndian<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value? {
        let size = Value.bitWidth &>> 3
        guard offset >= 0, size <= count, offset <= count &- size else { return nil }
        var (value, shift): (Value, Int) = (0, 0)
        for byte in dropFirst(offset).prefix(size) {
            value |= Value(truncatingIfNeeded: byte) << shift
            shift &+= 8
        }
        return value
    }
}

extension [UInt8] {
    /// Writes an integer over the bytes at `offset`. Where they do not hold all of it nothing is written, so this is for offsets that
    /// the program itself has chosen.
    @inlinable
    package mutating func storeLittleEndian(_ value: some FixedWidthInteger, at offset: Int) {
        let size = value.bitWidth &>> 3
        guard offset >= 0, size <= count, offset <= count &- size else { return }
        for index in 0..<size {
            self[offset &+ index] = UInt8(truncatingIfNeeded: value >> (8 &* index))
        }
    }

    /// Adds an integer behind the last byte.
    @inlinable
    package mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        for index in 0..<(value.bitWidth &>> 3) {
            append(UInt8(truncatingIfNeeded: value >> (8 &* index)))
        }
    }
}
