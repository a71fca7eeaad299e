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
