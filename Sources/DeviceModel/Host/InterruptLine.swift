/// A wire from a device to an interrupt controller.
public protocol InterruptLine: AnyObject, Sendable {
    /// Drives the wire high or low. A device calls it only when its level changes, from inside its own lock: the
    /// receiver must not call the device.
    func setLevel(_ high: Bool)
}
