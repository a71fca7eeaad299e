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
