/// A device whose registers are one byte wide, as those of an ISA card with eight data lines.
///
/// The ISA bus turns a wider access to such a card into byte accesses at successive ports, the lowest first. That
/// happens here, once for all such devices: a guest that writes 16 bits to a UART's port 0 writes ports 0 and 1.
public protocol BytePortDevice: BusDevice {
    /// Reads the register at `offset`; 0xFF where the device has none.
    func readByte(offset: UInt64) -> UInt8

    /// Writes the register at `offset`; nothing happens where the device has none.
    func writeByte(offset: UInt64, value: UInt8)
}

extension BytePortDevice {
    /// Reads `width` successive registers, the first one into the lowest byte.
    public func read(offset: UInt64, width: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<8 where index < width {
            let byte = readByte(offset: offset &+ UInt64(truncatingIfNeeded: index))
            value |= UInt64(byte) << (index &* 8)
        }
        return value
    }

    /// Writes `width` successive registers, the first one from the lowest byte.
    public func write(offset: UInt64, width: Int, value: UInt64) {
        for index in 0..<8 where index < width {
            let byte = UInt8(truncatingIfNeeded: value >> (index &* 8))
            writeByte(offset: offset &+ UInt64(truncatingIfNeeded: index), value: byte)
        }
    }
}
