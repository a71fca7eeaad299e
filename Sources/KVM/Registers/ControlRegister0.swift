/// CR0 (Intel SDM vol. 3A section 2.5).
public struct ControlRegister0: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// PE
    public static let protectionEnable = ControlRegister0(rawValue: 1 << 0)
    /// MP
    public static let monitorCoprocessor = ControlRegister0(rawValue: 1 << 1)
    /// EM
    public static let emulation = ControlRegister0(rawValue: 1 << 2)
    /// TS
    public static let taskSwitched = ControlRegister0(rawValue: 1 << 3)
    /// ET, 1 on every processor since the 486
    public static let extensionType = ControlRegister0(rawValue: 1 << 4)
    /// NE
    public static let numericError = ControlRegister0(rawValue: 1 << 5)
    /// WP
    public static let writeProtect = ControlRegister0(rawValue: 1 << 16)
    /// AM
    public static let alignmentMask = ControlRegister0(rawValue: 1 << 18)
    /// NW
    public static let notWriteThrough = ControlRegister0(rawValue: 1 << 29)
    /// CD
    public static let cacheDisable = ControlRegister0(rawValue: 1 << 30)
    /// PG
    public static let paging = ControlRegister0(rawValue: 1 << 31)
}
