/// What an I/O APIC does about one pin (82093AA data sheet, section 3.2.4).
struct RedirectionEntry: Equatable, Sendable {
    /// Bits 7 to 0, 10 to 8, 11, 13, 15 and 16, and 63 to 56.
    private static let writable: UInt64 = 0xFF00_0000_0001_AFFF

    /// After reset: masked.
    private(set) var rawValue: UInt64 = 1 << 16

    var vector: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
    var deliveryMode: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 8) & 7 }
    var isLogical: Bool { rawValue & 1 << 11 != 0 }
    var isLevelTriggered: Bool { rawValue & 1 << 15 != 0 }
    var isMasked: Bool { rawValue & 1 << 16 != 0 }
    var destination: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 56) }

    /// Whether a local APIC has accepted the level and has not ended the interrupt yet.
    var remoteIRR: Bool {
        get { rawValue & 1 << 14 != 0 }
        set { rawValue = newValue ? rawValue | 1 << 14 : rawValue & ~(1 << 14) }
    }

    /// Writes the half with bits 31 to 0, or 63 to 32. What the chip alone sets stays, but an edge is never accepted.
    mutating func write(_ value: UInt32, upperHalf: Bool) {
        let mask: UInt64 = upperHalf ? 0xFFFF_FFFF_0000_0000 : 0xFFFF_FFFF
        let bits = upperHalf ? UInt64(value) << 32 : UInt64(value)
        rawValue = rawValue & ~(mask & Self.writable) | bits & mask & Self.writable
        if !isLevelTriggered { remoteIRR = false }
    }
}
