/// The state of an I/O APIC with 24 pins (Intel 82093AA data sheet, May 1996): a pure value, which ``IOAPIC`` connects.
///
/// A pin's polarity is kept but means nothing here: devices say whether they want an interrupt, not what the wire is like.
struct IOAPICRegisters: Equatable, Sendable {
    static let pinCount = 24
    /// Offsets from where the chip lies (section 3.1), and indices of registers (section 3.2).
    private enum Offset { static let select: UInt64 = 0x00, window: UInt64 = 0x10 }
    private enum Index { static let id = 0, version = 1, arbitration = 2, redirection = 0x10 }

    private(set) var select: UInt8 = 0
    /// Bits 27 to 24.
    private(set) var id: UInt32 = 0
    private(set) var entries = [RedirectionEntry](repeating: RedirectionEntry(), count: pinCount)
    /// Which pins are asserted.
    private(set) var levels: UInt32 = 0

    /// Reads a register of 32 bits.
    func read(offset: UInt64) -> UInt32 {
        switch offset {
        case Offset.select: UInt32(select)
        case Offset.window: readRegister()
        default: 0
        }
    }

    /// Writes a register of 32 bits.
    ///
    /// - Returns: the message that a pin whose entry changed sends, if it does; and whether ``levelMessages`` are others now.
    mutating func write(offset: UInt64, value: UInt32) -> (message: InterruptMessage?, changesLevels: Bool) {
        switch offset {
        case Offset.select: select = UInt8(truncatingIfNeeded: value)
        case Offset.window: return writeRegister(value)
        default: break
        }
        return (nil, false)
    }

    /// A device drives a pin.
    mutating func setLevel(pin: Int, _ high: Bool) -> InterruptMessage? {
        guard entries.indices.contains(pin) else { return nil }
        let bit: UInt32 = 1 << UInt32(pin)
        let wasHigh = levels & bit != 0
        levels = high ? levels | bit : levels & ~bit
        let entry = entries[pin]
        if entry.isLevelTriggered { return deliverLevel(pin) }
        // An edge at a masked pin is lost (section 3.2.4, bit 16).
        guard high, !wasHigh, !entry.isMasked else { return nil }
        return InterruptMessage(entry)
    }

    /// A local APIC has ended an interrupt: a level that is still there is sent again.
    mutating func endOfInterrupt(vector: UInt8) -> [InterruptMessage] {
        var messages: [InterruptMessage] = []
        for pin in entries.indices where entries[pin].remoteIRR && entries[pin].vector == vector {
            entries[pin].remoteIRR = false
            if let message = deliverLevel(pin) { messages.append(message) }
        }
        return messages
    }

    /// What level-triggered pins send that are not masked.
    var levelMessages: [(pin: Int, message: InterruptMessage)] {
        entries.indices.compactMap { pin in levelMessage(pin).map { (pin: pin, message: $0) } }
    }

    private func levelMessage(_ pin: Int) -> InterruptMessage? {
        let entry = entries[pin]
        return entry.isLevelTriggered && !entry.isMasked ? InterruptMessage(entry) : nil
    }

    private mutating func deliverLevel(_ pin: Int) -> InterruptMessage? {
        let entry = entries[pin]
        guard entry.isLevelTriggered, !entry.isMasked, !entry.remoteIRR, levels & 1 << UInt32(pin) != 0 else {
            return nil
        }
        entries[pin].remoteIRR = true
        return InterruptMessage(entry)
    }

    private func readRegister() -> UInt32 {
        switch Int(select) {
        case Index.id, Index.arbitration: return id
        // Version 0x11; bits 23 to 16 are the number of the last entry.
        case Index.version: return 0x0017_0011
        default:
            guard let (pin, upperHalf) = Self.entry(select) else { return 0 }
            return UInt32(truncatingIfNeeded: entries[pin].rawValue >> (upperHalf ? 32 : 0))
        }
    }

    private mutating func writeRegister(_ value: UInt32) -> (message: InterruptMessage?, changesLevels: Bool) {
        if Int(select) == Index.id { id = value & 0x0F00_0000 }
        guard let (pin, upperHalf) = Self.entry(select) else { return (nil, false) }
        let before = levelMessage(pin)
        entries[pin].write(value, upperHalf: upperHalf)
        let changesLevels = levelMessage(pin) != before
        return (deliverLevel(pin), changesLevels)
    }

    private static func entry(_ select: UInt8) -> (pin: Int, upperHalf: Bool)? {
        let index = Int(select) &- Index.redirection
        guard (0..<pinCount &* 2).contains(index) else { return nil }
        return (index >> 1, index & 1 != 0)
    }
}

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
