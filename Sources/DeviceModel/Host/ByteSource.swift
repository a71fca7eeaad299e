/// Where a device gets bytes that come into the machine.
public protocol ByteSource: AnyObject, Sendable {
    /// Takes up to `room` bytes that are ready now, without waiting, handing each to `receive`.
    ///
    /// What is not taken stays at the source, so nothing is lost while the device has no room. It may be called from
    /// inside the device's lock: the source must not call the device other than by `receive`.
    func read(upTo room: Int, _ receive: (UInt8) -> Void)
}
