import DeviceModel
import Glibc

/// The devices of a machine and where they sit. This is the one list of them: a new device is a line here.
struct Platform: Sendable {
    /// COM1.
    static let serialPorts: Range<UInt16> = 0x3F8..<0x400
    static let serialGSI: UInt32 = 4
    static let hypercallPort: UInt16 = 0x510

    let ports: Bus
    let mmio: Bus
    /// What a device asks of the machine as a whole.
    let events = MachineEventLatch()
    let serial: SerialPort
    let serialOutput: ConsoleChannel
    let debugOutput: ConsoleChannel
    let hypercallOutput: ConsoleChannel
    let hypercalls: HypercallDoorbell
    let postCode = POSTCode()

    init(
        memory: GuestMemory, outputs: ConsoleOutputs, input: ConsoleInput?, serialInterrupt: (any InterruptLine)?
    ) throws(VMMError) {
        serialOutput = ConsoleChannel(to: outputs.serial)
        hypercallOutput = ConsoleChannel(to: outputs.main)
        hypercalls = HypercallDoorbell(memory: memory, output: hypercallOutput, input: input, events: events)
        debugOutput = ConsoleChannel(to: outputs.main)
        serial = SerialPort(output: serialOutput, input: input, interrupt: serialInterrupt)
        let keyboard = KeyboardController(events: events)
        do throws(BusError) {
            ports = try Bus([
                (BusRange(start: 0x60, count: 1), keyboard),
                (BusRange(start: 0x64, count: 1, deviceOffset: 4), keyboard),
                (BusRange(start: 0x70, count: 2), CMOSClock(now: { Int64(time(nil)) })),
                (BusRange(start: 0x80, count: 1), postCode),
                (BusRange(start: 0x92, count: 1), SystemControlPort(events: events)),
                (BusRange(start: 0xE9, count: 1), DebugConsole(output: debugOutput)),
                (BusRange(start: 0xF4, count: 4), DebugExit(events: events)),
                (BusRange(start: UInt64(Self.serialPorts.lowerBound), count: UInt64(Self.serialPorts.count)), serial),
                (BusRange(start: 0x500, count: 4), PlainExit(events: events)),
                (BusRange(start: UInt64(Self.hypercallPort), count: 4), hypercalls),
                (BusRange(start: 0x604, count: 2), PowerOffPort(events: events)),
                (BusRange(start: 0xCF9, count: 1), ResetControl(events: events)),
            ])
            mmio = try Bus([])
        } catch {
            throw .fault("\(error)")
        }
    }
}
