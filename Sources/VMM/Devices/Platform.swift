import DeviceModel
import Glibc
import KVM
import LinuxHost

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
        /// To controllers in the kernel, by their lines.
        case lines(@Sendable (_ gsi: UInt32) -> any InterruptLine)
        /// To an I/O APIC of the platform's own, which sends messages.
        case messages(any InterruptMessageSink)

        init(_ controllers: InterruptControllers, _ machine: borrowing KVMVirtualMachine) {
            switch controllers {
            case .auto, .none: self = .none
            case .split: self = .messages(machine.interruptMessages)
            case .full:
                let lines = machine.interruptLines
                self = .lines { lines.line(gsi: $0) }
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
    let virtioConsole: VirtioConsoleDevice?

    init(
        memory: GuestMemory, outputs: ConsoleOutputs, input: ConsoleInput?, interrupts: Interrupts,
        virtioConsole wiring: VirtioConsoleDevice.Wiring? = nil
    ) throws(VMMError) {
        serialOutput = ConsoleChannel(to: outputs.serial)
        hypercallOutput = ConsoleChannel(to: outputs.main)
        hypercalls = HypercallDoorbell(memory: memory, output: hypercallOutput, input: input, events: events)
        debugOutput = ConsoleChannel(to: outputs.main)
        let line: (UInt32) -> (any InterruptLine)?
        switch interrupts {
        case .none: (ioAPIC, line) = (nil, { _ in nil })
        case .lines(let lines): (ioAPIC, line) = (nil, lines)
        case .messages(let sink):
            let chip = IOAPIC(sink: sink)
            (ioAPIC, line) = (chip, { chip.line(pin: Int($0)) })
        }
        serial = SerialPort(output: serialOutput, input: input, interrupt: line(Self.serialGSI))
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
        } catch {
            throw .fault("\(error)")
        }
        let (memory, output, ports) = (memory, outputs.main, ports)
        virtioConsole = try host { () throws(HostError) in
            guard let wiring else { return nil }
            return try VirtioConsoleDevice(
                wiring, memory: memory, output: output, line: line(VirtioSlot.console.gsi), ports: ports)
        }
        var devices: [(BusRange, any BusDevice)] = []
        if let ioAPIC { devices.append((BusRange(start: Self.ioAPICAddress, count: IOAPIC.size), ioAPIC)) }
        if let virtioConsole {
            let range = BusRange(start: VirtioSlot.console.address, count: VirtioMMIO.byteCount)
            devices.append((range, virtioConsole.transport))
        }
        do throws(BusError) { mmio = try Bus(devices) } catch { throw .fault("\(error)") }
    }
}

/// Which interrupt controllers and timers a machine has.
public enum InterruptControllers: String, CaseIterable, Sendable {
    /// What the machine needs: none for flat images and ELF executables, full for several vCPUs.
    case auto
    /// None: HLT ends the run, the natural end of a tiny guest.
    case none
    /// A local APIC for each vCPU in the kernel, and an I/O APIC outside: no PICs and no 8254. HLT sleeps.
    case split
    /// A PC's, in the kernel: two PICs, an I/O APIC, a local APIC for each vCPU, and the timer (8254). HLT sleeps.
    case full
}

extension KVMIRQLine: InterruptLine {}

extension KVMMSI: InterruptMessageSink {
    public func send(_ message: InterruptMessage) {
        send(address: message.address, data: message.data)
    }

    public func tellEnds(of messages: [(pin: Int, message: InterruptMessage)]) {
        tellEnds(of: messages.map { (pin: $0.pin, address: $0.message.address, data: $0.message.data) })
    }
}
