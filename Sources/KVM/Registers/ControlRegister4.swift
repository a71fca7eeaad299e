/// CR4 (Intel SDM vol. 3A section 2.5).
public struct ControlRegister4: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// PSE
    public static let pageSizeExtension = ControlRegister4(rawValue: 1 << 4)
    /// PAE
    public static let physicalAddressExtension = ControlRegister4(rawValue: 1 << 5)
    /// PGE
    public static let globalPages = ControlRegister4(rawValue: 1 << 7)
    /// OSFXSR: the guest may use SSE.
    public static let fxsave = ControlRegister4(rawValue: 1 << 9)
    /// OSXMMEXCPT
    public static let simdExceptions = ControlRegister4(rawValue: 1 << 10)
}
