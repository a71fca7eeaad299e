/// IA32_EFER, the extended feature enable register (Intel SDM vol. 3A section 2.2.1).
public struct ExtendedFeatures: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// SCE
    public static let syscall = ExtendedFeatures(rawValue: 1 << 0)
    /// LME
    public static let longModeEnable = ExtendedFeatures(rawValue: 1 << 8)
    /// LMA
    public static let longModeActive = ExtendedFeatures(rawValue: 1 << 10)
    /// NXE
    public static let noExecute = ExtendedFeatures(rawValue: 1 << 11)
}
