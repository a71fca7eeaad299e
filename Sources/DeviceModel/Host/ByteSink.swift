/// Where a device sends bytes that leave the machine.
public protocol ByteSink: AnyObject, Sendable {
    /// Takes one byte. For a device it never fails: what became of the byte is the host's business. It may be called
    /// from inside the device's lock, so that bytes keep the guest's order: the receiver must not call the device.
    func write(_ byte: UInt8)

    /// Takes several, with nothing of another device in between.
    func write(_ bytes: RawSpan)
}
