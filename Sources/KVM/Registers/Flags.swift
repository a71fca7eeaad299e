/// The flags register (Intel SDM vol. 1 section 3.4.3).
public struct Flags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// CF
    public static let carry = Flags(rawValue: 1 << 0)
    /// Bit 1, which reads as 1 on every processor.
    public static let alwaysSet = Flags(rawValue: 1 << 1)
    /// ZF
    public static let zero = Flags(rawValue: 1 << 6)
    /// TF
    public static let trap = Flags(rawValue: 1 << 8)
    /// IF
    public static let interruptEnable = Flags(rawValue: 1 << 9)
    /// DF
    public static let direction = Flags(rawValue: 1 << 10)
    /// IOPL, both bits: ring 3 may use ports.
    public static let privilegeLevel3ForPorts = Flags(rawValue: 3 << 12)
    /// VM
    public static let virtual8086 = Flags(rawValue: 1 << 17)
}
