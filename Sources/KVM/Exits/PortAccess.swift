/// A port exit's shape: `count` elements of `width` bytes at one port. KVM gives a whole REP INS at once, and a REP OUTS
/// an element at a time.
public struct PortAccess: Equatable, Sendable {
    public let port: UInt16
    /// In bytes: 1, 2 or 4.
    public let width: UInt8
    public let count: UInt32

    public init(port: UInt16, width: UInt8, count: UInt32) {
        self.port = port
        self.width = width
        self.count = count
    }
}
