import Synchronization

/// A PC's fixed power management hardware (ACPI 6.5 section 4.8): a power button, sleep, of which there is soft off alone, and a timer.
///
/// Offsets are those of `PowerManagementRegisters`. Where a status bit and its enable bit are set the interrupt line is high.
///
/// Concurrency model: safe from any thread.
public final class PowerManagement: BusDevice {
    private let registers = Mutex(PowerManagementRegisters())
    private let events: MachineEventLatch
    private let interrupt: any InterruptLine
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - events: is told of soft off.
    ///   - interrupt: the system control interrupt.
    ///   - now: nanoseconds of a clock that never goes back.
    public init(
        events: MachineEventLatch, interrupt: any InterruptLine, now: @escaping @Sendable () -> Int64
    ) {
        self.events = events
        self.interrupt = interrupt
        self.now = now
    }

    public func read(offset: UInt64, width: Int) -> UInt64 {
        let time = now()
        return registers.withLock { $0.read(offset: offset, width: width, nanoseconds: time) }
    }

    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        let isOff = change { $0.write(offset: offset, width: width, value: value) }
        if isOff { events.signal(.powerOff) }
        return .none
    }

    /// Presses the power button, once. What comes of it is the guest's to decide.
    public func pressPowerButton() {
        change { $0.pressPowerButton() }
    }

    private func change<Result>(_ body: (inout PowerManagementRegisters) -> Result) -> Result {
        registers.withLock { registers in
            let wasHigh = registers.interrupts
            let result = body(&registers)
            if registers.interrupts != wasHigh { interrupt.setLevel(!wasHigh) }
            return result
        }
    }
}

/// The values for a sleep type that mean soft off.
public enum SleepType {
    /// What tables tell a guest; QEMU's, too.
    public static let softOff: UInt8 = 0
    /// What many PCs have, so that programs which know no tables write it.
    static let usualSoftOff: UInt8 = 5
}

/// The registers of ACPI's fixed hardware, 12 bytes (ACPI 6.5 sections 4.8.3.1 to 4.8.3.3): at 0 the status of events, which a 1 clears, at
/// 2 which of them interrupt, at 4 control, each of 16 bits; at 8 the timer, of 32. The rest reads 0.
///
/// A pure value: the time is an argument.
package struct PowerManagementRegisters: Equatable, Sendable {
    /// In both of the first two registers.
    private struct Events: OptionSet {
        let rawValue: UInt16
        static let powerButton = Events(rawValue: 1 << 8)
        /// Those that a kernel may enable: timer, global lock, power button, sleep button, clock. All but the power button never happen.
        static let all: Events = [.init(rawValue: 1 << 0 | 1 << 5 | 1 << 9 | 1 << 10), .powerButton]
    }

    /// Ticks a second (section 4.8.2.1).
    private static let timerFrequency: UInt64 = 3_579_545
    /// SCI_EN: events interrupt by the SCI, always, as there is no other mode.
    private static let interruptsBySCI: UInt16 = 1 << 0
    /// What of the control register reads back: BM_RLD and the sleep type.
    private static let kept: UInt16 = 1 << 1 | 7 << 10

    private var status: Events = []
    private var enabled: Events = []
    private var control: UInt16 = 0

    package init() {}

    /// Whether the interrupt line is high.
    package var interrupts: Bool { !status.isDisjoint(with: enabled) }

    package mutating func pressPowerButton() { status.insert(.powerButton) }

    /// - Parameter nanoseconds: the time; any two readings tell how much of it lies between them.
    package func read(offset: UInt64, width: Int, nanoseconds: Int64) -> UInt64 {
        let timer = UInt64(Self.timer(at: nanoseconds))
        let words =
            UInt64(status.rawValue) | UInt64(enabled.rawValue) << 16
            | UInt64(control | Self.interruptsBySCI) << 32
        var value: UInt64 = 0
        for index in 0..<8 where index < width {
            let byte: UInt64 =
                switch offset &+ UInt64(truncatingIfNeeded: index) {
                case let place where place < 8: words >> (place &* 8) & 0xFF
                case let place where place < 12: timer >> ((place &- 8) &* 8) & 0xFF
                default: 0
                }
            value |= byte << UInt64(truncatingIfNeeded: index &* 8)
        }
        return value
    }

    /// - Returns: whether the machine is switched off.
    package mutating func write(offset: UInt64, width: Int, value: UInt64) -> Bool {
        var isOff = false
        for index in 0..<8 where index < width {
            let place = offset &+ UInt64(truncatingIfNeeded: index)
            let byte = UInt16(truncatingIfNeeded: value >> UInt64(truncatingIfNeeded: index &* 8)) & 0xFF
            if writeByte(place, byte) { isOff = true }
        }
        return isOff
    }

    private mutating func writeByte(_ place: UInt64, _ byte: UInt16) -> Bool {
        let isHigh = place & 1 != 0
        let (bits, others): (UInt16, UInt16) = isHigh ? (byte << 8, 0x00FF) : (byte, 0xFF00)
        switch place {
        case 0, 1: status.subtract(Events(rawValue: bits))
        case 2, 3: enabled = Events(rawValue: enabled.rawValue & others | bits).intersection(.all)
        case 4, 5: control = (control & others | bits) & Self.kept
        default: break
        }
        // SLP_EN is in the same byte as the sleep type.
        guard place == 5, bits & 1 << 13 != 0 else { return false }
        let type = UInt8(truncatingIfNeeded: bits >> 10 & 7)
        return type == SleepType.softOff || type == SleepType.usualSoftOff
    }

    /// The timer's 32 bits, which begin again after 20 minutes.
    private static func timer(at nanoseconds: Int64) -> UInt32 {
        let product = UInt64(bitPattern: nanoseconds).multipliedFullWidth(by: timerFrequency)
        // The product's upper half is less than the frequency, so the quotient fits.
        return UInt32(truncatingIfNeeded: UInt64(1_000_000_000).dividingFullWidth(product).quotient)
    }
}
