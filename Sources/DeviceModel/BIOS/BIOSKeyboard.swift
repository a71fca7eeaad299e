/// INT 16h, which takes keys from the ring in the data area, and INT 9, which puts them there.
extension BIOS {
    /// Bits of ``BIOSDataArea/shiftFlags``.
    private enum Shift {
        static let right: UInt8 = 0x01
        static let left: UInt8 = 0x02
        static let control: UInt8 = 0x04
        static let alt: UInt8 = 0x08
        static let scrollLock: UInt8 = 0x10
        static let numberLock: UInt8 = 0x20
        static let capsLock: UInt8 = 0x40
    }

    /// Bits of ``BIOSDataArea/keyboardFlags``.
    private enum Prefix {
        static let e1: UInt8 = 0x01
        static let e0: UInt8 = 0x02
        static let rightControl: UInt8 = 0x04
        static let rightAlt: UInt8 = 0x08
        /// The keyboard has 101 keys.
        static let extended: UInt8 = 0x10
    }

    func startKeyboard() {
        memory.store(BIOSDataArea.keys.lowerBound, at: BIOSDataArea.keyHead)
        memory.store(BIOSDataArea.keys.lowerBound, at: BIOSDataArea.keyTail)
        memory.store(BIOSDataArea.keys.lowerBound, at: BIOSDataArea.keysStart)
        memory.store(BIOSDataArea.keys.upperBound, at: BIOSDataArea.keysEnd)
        memory.store(Prefix.extended, at: BIOSDataArea.keyboardFlags)
    }

    mutating func callKeyboard(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch registers.ah {
        case 0x00, 0x10:
            guard let key = ring.head else {
                machine.wantsKey()
                return .waitsForKey
            }
            ring.removeFirst()
            machine.wantsKey()
            registers.ax = registers.ah == 0 ? Self.plain(key) : Self.extended(key)
        case 0x01, 0x11:
            machine.wantsKey()
            registers.zero = ring.head == nil
            if let key = ring.head { registers.ax = registers.ah == 1 ? Self.plain(key) : Self.extended(key) }
        case 0x02: registers.al = memory.load(UInt8.self, at: BIOSDataArea.shiftFlags)
        // How fast a key repeats: none does.
        case 0x03: break
        case 0x05: registers.al = ring.append(registers.cx) ? 0 : 1
        // AH=10h to 12h are here.
        case 0x09: registers.al = 0x20
        case 0x12:
            // The right keys beside the left ones (Ralf Brown's Interrupt List, table 00587).
            let flags = memory.load(UInt16.self, at: BIOSDataArea.shiftFlags)
            let right = memory.load(UInt8.self, at: BIOSDataArea.keyboardFlags)
            let both = Prefix.rightControl | Prefix.rightAlt
            registers.ax = UInt16(low: flags.low, high: flags.high & ~both | right & both)
        case 0x92: registers.ah = 0x80
        case 0xA2: break
        default: return .absent
        }
        return .done
    }

    private var ring: KeyRing { KeyRing(memory: memory) }

    /// What AH=00h and 01h give: keys that the first keyboards had not as those that they stand for.
    private static func plain(_ key: UInt16) -> UInt16 {
        switch key {
        case 0xE00D, 0xE00A: 0x1C00 | key & 0xFF
        case 0xE02F: 0x352F
        case _ where key.low == 0xE0 && key.high != 0: key & 0xFF00
        default: extended(key)
        }
    }

    private static func extended(_ key: UInt16) -> UInt16 {
        key.low == 0xF0 && key.high != 0 ? key & 0xFF00 : key
    }

    /// INT 9: the controller has a byte of the keyboard.
    mutating func keyCame() -> BIOSOutcome {
        let code = machine.readPort(BIOSPorts.keyboardData)
        let outcome = take(code)
        machine.wantsKey()
        return outcome
    }

    private func take(_ code: UInt8) -> BIOSOutcome {
        let prefixes = memory.load(UInt8.self, at: BIOSDataArea.keyboardFlags)
        if code == 0xE0 || code == 0xE1 {
            memory.store(prefixes | (code == 0xE0 ? Prefix.e0 : Prefix.e1), at: BIOSDataArea.keyboardFlags)
            return .done
        }
        let (key, isReleased) = (code & 0x7F, code & 0x80 != 0)
        // Pause is E1 1D 45, and 1D is not its last byte.
        if prefixes & Prefix.e1 != 0, key == 0x1D { return .done }
        memory.store(prefixes & ~(Prefix.e0 | Prefix.e1), at: BIOSDataArea.keyboardFlags)
        let isExtended = prefixes & Prefix.e0 != 0
        if shift(key, isReleased: isReleased, isExtended: isExtended, isPause: prefixes & Prefix.e1 != 0) {
            return .done
        }
        let flags = memory.load(UInt8.self, at: BIOSDataArea.shiftFlags)
        if isReleased { return .done }
        if key == 0x53, flags & (Shift.control | Shift.alt) == Shift.control | Shift.alt { return .reset }
        let modifier: KeyCodes.Modifier =
            flags & Shift.alt != 0 ? .alt : flags & Shift.control != 0 ? .control : .plain
        if let word = KeyCodes.word(
            for: key, isExtended: isExtended, modifier, isShifted: flags & (Shift.left | Shift.right) != 0,
            isCapsLocked: flags & Shift.capsLock != 0, isNumberLocked: flags & Shift.numberLock != 0)
        {
            _ = ring.append(word)
        }
        return .done
    }

    /// Follows a key that changes what others mean.
    ///
    /// - Returns: whether it is one.
    private func shift(_ key: UInt8, isReleased: Bool, isExtended: Bool, isPause: Bool) -> Bool {
        var (held, locked, right): (UInt8, UInt8, UInt8) = (0, 0, 0)
        switch key {
        // With a prefix it stands for no key.
        case 0x2A, 0x36: held = isExtended ? 0 : key == 0x2A ? Shift.left : Shift.right
        case 0x1D: (held, right) = (Shift.control, isExtended ? Prefix.rightControl : 0)
        case 0x38: (held, right) = (Shift.alt, isExtended ? Prefix.rightAlt : 0)
        case 0x3A: locked = Shift.capsLock
        case 0x45: locked = isPause ? 0 : Shift.numberLock
        case 0x46: locked = isExtended ? 0 : Shift.scrollLock
        default: return false
        }
        // The second byte says which of them are down now: left Ctrl, left Alt and the locks.
        var second = locked
        if key == 0x1D, !isExtended { second |= 0x01 }
        if key == 0x38, !isExtended { second |= 0x02 }
        change(BIOSDataArea.shiftFlags, held, isSet: !isReleased)
        change(BIOSDataArea.shiftFlags &+ 1, second, isSet: !isReleased)
        change(BIOSDataArea.keyboardFlags, right, isSet: !isReleased)
        if !isReleased {
            let flags = memory.load(UInt8.self, at: BIOSDataArea.shiftFlags)
            memory.store(flags ^ locked, at: BIOSDataArea.shiftFlags)
        }
        return true
    }

    private func change(_ place: UInt64, _ bits: UInt8, isSet: Bool) {
        let old = memory.load(UInt8.self, at: place)
        memory.store(isSet ? old | bits : old & ~bits, at: place)
    }
}

/// The keys that wait in the data area, oldest first.
public struct KeyRing: Sendable {
    let memory: RealModeMemory

    init(memory: RealModeMemory) {
        self.memory = memory
    }

    public init(memory: GuestMemory) {
        self.init(memory: RealModeMemory(memory: memory))
    }

    /// Where the ring lies, in segment 0x40: the guest may have put it elsewhere in its page, and anything else is the usual place.
    private var bounds: Range<UInt16> {
        let start = memory.load(UInt16.self, at: BIOSDataArea.keysStart)
        let end = memory.load(UInt16.self, at: BIOSDataArea.keysEnd)
        guard start < end, end <= 0x1000, end &- start >= 4, (end &- start) & 1 == 0 else { return BIOSDataArea.keys }
        return start..<end
    }

    private func position(_ place: UInt64) -> UInt16 {
        let (offset, bounds) = (memory.load(UInt16.self, at: place), bounds)
        return bounds.contains(offset) && (offset &- bounds.lowerBound) & 1 == 0 ? offset : bounds.lowerBound
    }

    private func next(_ offset: UInt16) -> UInt16 {
        let (next, bounds) = (offset &+ 2, bounds)
        return next >= bounds.upperBound ? bounds.lowerBound : next
    }

    /// The next key; nil where none waits.
    var head: UInt16? {
        let head = position(BIOSDataArea.keyHead)
        guard head != position(BIOSDataArea.keyTail) else { return nil }
        return memory.load(UInt16.self, at: 0x400 &+ UInt64(head))
    }

    func removeFirst() {
        memory.store(next(position(BIOSDataArea.keyHead)), at: BIOSDataArea.keyHead)
    }

    /// Whether another key has room.
    private var hasRoom: Bool {
        next(position(BIOSDataArea.keyTail)) != position(BIOSDataArea.keyHead)
    }

    /// Whether another key has room, and one that is under way.
    public var takesKeys: Bool {
        let (tail, head) = (position(BIOSDataArea.keyTail), position(BIOSDataArea.keyHead))
        return next(tail) != head && next(next(tail)) != head
    }

    /// - Returns: false where there is no room.
    func append(_ key: UInt16) -> Bool {
        guard hasRoom else { return false }
        let tail = position(BIOSDataArea.keyTail)
        memory.store(key, at: 0x400 &+ UInt64(tail))
        memory.store(next(tail), at: BIOSDataArea.keyTail)
        return true
    }
}
