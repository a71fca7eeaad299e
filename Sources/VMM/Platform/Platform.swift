import DeviceModel
import Glibc
import KVM

/// The devices of a machine and where they sit. This is the one list of them: a new device is a line here.
struct Platform: Sendable {
    /// COM1.
    static let serialPorts: Range<UInt16> = 0x3F8..<0x400
    static let serialGSI: UInt32 = 4
    static let hypercallPort: UInt16 = 0x510
    static let ioAPICAddress: UInt64 = 0xFEC0_0000

    /// Where devices' interrupts go.
    enum Interrupts {
        case none
        /// To controllers in the kernel: the serial port's line.
        case line(any InterruptLine)
        /// To an I/O APIC of the platform's own, which sends messages.
        case messages(any InterruptMessageSink)

        init(_ controllers: InterruptControllers, _ machine: borrowing KVMVirtualMachine) {
            switch controllers {
            case .auto, .none: self = .none
            case .split: self = .messages(machine.interruptMessages)
            case .full: self = .line(machine.interruptLine(gsi: Platform.serialGSI))
            }
        }
    }

    let ports: Bus
    let mmio: Bus
    /// Nil where it is in the kernel, or there is none.
    let ioAPIC: IOAPIC?
    /// What a device asks of the machine as a whole.
    let events = MachineEventLatch()
    let serial: SerialPort
    let serialOutput: ConsoleChannel
    let debugOutput: ConsoleChannel
    let hypercallOutput: ConsoleChannel
    let hypercalls: HypercallDoorbell
    let postCode = POSTCode()

    init(
        memory: GuestMemory, outputs: ConsoleOutputs, input: ConsoleInput?, interrupts: Interrupts
    ) throws(VMMError) {
        serialOutput = ConsoleChannel(to: outputs.serial)
        hypercallOutput = ConsoleChannel(to: outputs.main)
        hypercalls = HypercallDoorbell(memory: memory, output: hypercallOutput, input: input, events: events)
        debugOutput = ConsoleChannel(to: outputs.main)
        let serialInterrupt: (any InterruptLine)?
        switch interrupts {
        case .none: (ioAPIC, serialInterrupt) = (nil, nil)
        case .line(let line): (ioAPIC, serialInterrupt) = (nil, line)
        case .messages(let sink):
            let chip = IOAPIC(sink: sink)
            (ioAPIC, serialInterrupt) = (chip, chip.line(pin: Int(Self.serialGSI)))
        }
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
            mmio = try Bus(ioAPIC.map { [(BusRange(start: Self.ioAPICAddress, count: IOAPIC.size), $0)] } ?? [])
        } catch {
            throw .fault("\(error)")
        }
    }
}
