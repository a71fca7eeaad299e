/// A device as a bus sees it.
///
/// A device knows offsets into itself and never its place on a bus. The guest chooses offsets, widths and values: a
/// device must take every combination.
///
/// Concurrency model: every vCPU may call at any time, so a device guards its own state.
public protocol BusDevice: AnyObject, Sendable {
    /// Reads `width` bytes at `offset`; the bus drops bits above the width.
    ///
    /// - Parameters:
    ///   - offset: in bytes from the start of the device.
    ///   - width: in bytes, 1 to 8.
    func read(offset: UInt64, width: Int) -> UInt64

    /// Writes `width` bytes at `offset`; bits of `value` above the width are 0.
    ///
    /// - Parameters:
    ///   - offset: in bytes from the start of the device.
    ///   - width: in bytes, 1 to 8.
    ///   - value: the bytes, the one at `offset` lowest.
    /// - Returns: what the vCPU that wrote has to do now.
    @discardableResult
    func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect
}

/// What a write asks of the vCPU that made it, beyond the device. What ends the whole machine goes by its ``MachineEventLatch``.
public enum BusEffect: Equatable, Sendable {
    case none
    /// Sleep in the guest's place, and then answer.
    case wait(HypercallWait)
    /// Output may wait from now on without an exit that tells of it: look for it now and then.
    case outputMayWait
}

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
    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        for index in 0..<8 where index < width {
            let byte = UInt8(truncatingIfNeeded: value >> (index &* 8))
            writeByte(offset: offset &+ UInt64(truncatingIfNeeded: index), value: byte)
        }
        return .none
    }
}

/// Where a device sends bytes that leave the machine.
public protocol ByteSink: AnyObject, Sendable {
    /// Takes one byte. For a device it never fails: what became of the byte is the host's business. It may be called
    /// from inside the device's lock, so that bytes keep the guest's order: the receiver must not call the device.
    func write(_ byte: UInt8)

    /// Takes several, with nothing of another device in between.
    func write(_ bytes: RawSpan)
}

/// Where a device gets bytes that come into the machine.
public protocol ByteSource: AnyObject, Sendable {
    /// Takes up to `room` bytes that are ready now, without waiting, handing each to `receive`.
    ///
    /// What is not taken stays at the source, so nothing is lost while the device has no room. It may be called from
    /// inside the device's lock: the source must not call the device other than by `receive`.
    func read(upTo room: Int, _ receive: (UInt8) -> Void)
}

/// A wire from a device to an interrupt controller.
public protocol InterruptLine: AnyObject, Sendable {
    /// Drives the wire high or low. A device calls it only when its level changes, from inside its own lock: the
    /// receiver must not call the device.
    func setLevel(_ high: Bool)
}
