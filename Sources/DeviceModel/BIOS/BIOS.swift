/// What a BIOS finds in its machine.
public struct BIOSMachine: Sendable {
    /// A line of the memory map that INT 15h AX=E820h gives (ACPI 6.5 section 15, table 15.4).
    public struct MemoryRange: Equatable, Sendable {
        public let start: UInt64
        /// In bytes.
        public let size: UInt64
        /// 1 is RAM for the guest to use.
        public let kind: UInt32

        public init(start: UInt64, size: UInt64, kind: UInt32) {
            (self.start, self.size, self.kind) = (start, size, kind)
        }
    }

    let memory: RealModeMemory
    let ports: Bus
    /// Where the teletype writes, beside the screen.
    let console: any ByteSink
    /// The first is the one that the machine booted from, unless ``floppy`` is.
    let hardDisks: [any BIOSDrive]
    let floppy: (any BIOSDrive)?
    let memoryMap: [MemoryRange]
    let serialPorts: [UInt16]
    /// Nanoseconds of a clock that never goes back.
    let now: @Sendable () -> Int64
    /// Called when keys may come: there is room for one.
    let wantsKey: @Sendable () -> Void

    public init(
        memory: GuestMemory, ports: Bus, console: any ByteSink, hardDisks: [any BIOSDrive], floppy: (any BIOSDrive)?,
        memoryMap: [MemoryRange], serialPorts: [UInt16], now: @escaping @Sendable () -> Int64,
        wantsKey: @escaping @Sendable () -> Void
    ) {
        self.memory = RealModeMemory(memory: memory)
        self.ports = ports
        self.console = console
        self.hardDisks = hardDisks
        self.floppy = floppy
        self.memoryMap = memoryMap
        self.serialPorts = serialPorts
        self.now = now
        self.wantsKey = wantsKey
    }

    func readPort(_ port: UInt16) -> UInt8 {
        UInt8(truncatingIfNeeded: ports.read(at: UInt64(port), width: 1))
    }

    func writePort(_ port: UInt16, _ value: UInt8) {
        ports.write(at: UInt64(port), width: 1, value: UInt64(value))
    }
}

/// How a call of the BIOS ended.
public enum BIOSOutcome: Equatable, Sendable {
    /// The guest goes on behind the call.
    case done
    /// There is no key: it is called again when an interrupt has come.
    case waitsForKey
    /// The same until a time has come; then ``BIOS/goOnWaiting(_:)`` is called.
    case waitsForTime
    /// There is no such service.
    case absent
    /// The machine begins anew.
    case reset
    case powerOff
}

/// The services of a PC's BIOS, as text-mode programs need them: pure but for the machine that they are given. Each interrupt has a file.
///
/// What a service does follows the IBM PC/AT Technical Reference, section 5, and for what is younger Ralf Brown's Interrupt List, release
/// 61; where those leave something open, what SeaBIOS does.
public struct BIOS: Sendable {
    let machine: BIOSMachine
    /// When the wait of INT 15h AH=86h ends, in nanoseconds of the machine's clock; nil where there is none.
    var waitEnd: Int64?
    /// How many ticks it takes until keys come to a program that has not asked for one: half a second.
    var ticksToKeys = 10

    var memory: RealModeMemory { machine.memory }

    public init(_ machine: BIOSMachine) {
        self.machine = machine
    }

    /// The number by which INT 13h has the disk that the machine booted from.
    public var bootDrive: UInt8 { machine.floppy == nil ? 0x80 : 0 }

    /// Fills the data area and the screen, as the self test of a PC does before it boots.
    public mutating func start() {
        memory.write([UInt8](repeating: 0, count: BIOSDataArea.size), at: BIOSDataArea.start)
        startEquipment()
        startKeyboard()
        startClock()
        setTextMode(3, clears: true)
    }

    /// Serves an interrupt.
    ///
    /// - Returns: with any other outcome than `.done` the registers are unchanged.
    public mutating func call(_ vector: UInt8, _ registers: inout BIOSRegisters) -> BIOSOutcome {
        var changed = registers
        let outcome = serve(vector, &changed)
        if outcome == .done { registers = changed }
        return outcome
    }

    private mutating func serve(_ vector: UInt8, _ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch vector {
        case 0x08: tick()
        case 0x09: return keyCame()
        case 0x10: return callVideo(&registers)
        case 0x11: registers.ax = memory.load(UInt16.self, at: BIOSDataArea.equipment)
        case 0x12: registers.ax = memory.load(UInt16.self, at: BIOSDataArea.memorySize)
        case 0x13: return callDisk(&registers)
        case 0x14: return callSerial(&registers)
        case 0x15: return callSystem(&registers)
        case 0x16: return callKeyboard(&registers)
        case 0x19: return .reset
        case 0x1A: return callClock(&registers)
        default: return .absent
        }
        return .done
    }
}
