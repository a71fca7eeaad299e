import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// A 16550A serial port for a machine.
public struct UARTConfiguration: Sendable {
    /// Where a PC has its serial ports.
    public enum Port: String, CaseIterable, Sendable {
        case com1
        case com2

        /// In reports.
        var name: String { self == .com1 ? "uart" : "uart2" }
        var ports: Range<UInt16> { self == .com1 ? Ports.com1 : Ports.com2 }
        var gsi: UInt32 { self == .com1 ? GSI.com1 : GSI.com2 }
    }

    public var port: Port
    /// Where it writes; nil for where all consoles write.
    public var output: ConsoleOutput?
    /// What it receives; nil, for COM1, for the machine's input, and for COM2 for nothing. An input belongs to one device.
    public var input: ConsoleInput?
    /// Whether much output waits in a ring of the kernel instead of being an exit for each byte.
    public var coalescesOutput = true

    public init(port: Port = .com1, output: ConsoleOutput? = nil, input: ConsoleInput? = nil) {
        self.port = port
        self.output = output
        self.input = input
    }
}

extension UARTConfiguration: DeviceDescription {
    var slotRequest: SlotRequest {
        SlotRequest(name: port.name, kind: .uart, place: .fixed([.ports(port.ports)], gsi: port.gsi))
    }

    var outputs: [ConsoleOutput] { [output].compactMap(\.self) }
    var inputs: [ConsoleInput] { [input].compactMap(\.self) }

    func makeDevice(_ slot: DeviceSlot, _ host: MachineHost) throws(VMMError) -> any MachineDevice {
        UARTDevice(self, host)
    }
}

/// A serial port with its host side. Its output waits in KVM's ring when there is much of it: not before some bytes, because the ring has a
/// cost at the end of the machine, which a short greeting need not pay. Its input is brought to it by the loop when the guest waits for
/// an interrupt instead of looking.
///
/// Concurrency model: safe from any thread.
final class UARTDevice: MachineDevice, BusDevice, CoalescedDevice {
    private enum Phase: Equatable {
        /// So many bytes were exits of their own so far.
        case counting(Int)
        case on
        /// The host has no ring, the user wants none, or the guest lets the transmitter interrupt, which each byte must do at
        /// once.
        case off
    }

    /// How many bytes are written before the ring takes over.
    static let threshold = 64

    private let configuration: UARTConfiguration
    private let host: MachineHost
    private let channel: ConsoleChannel
    private let input: ConsoleInput?
    private let port: SerialPort
    private let phase: Mutex<Phase>
    private let isWatching = Atomic<Bool>(false)

    init(_ configuration: UARTConfiguration, _ host: MachineHost) {
        self.configuration = configuration
        self.host = host
        channel = ConsoleChannel(to: configuration.output ?? host.output)
        input = configuration.input ?? (configuration.port == .com1 && !host.hasKeyboardInput ? host.input : nil)
        port = SerialPort(
            output: channel, input: input, interrupt: host.interrupts.line(gsi: configuration.port.gsi))
        phase = Mutex(configuration.coalescesOutput ? .counting(0) : .off)
    }

    var busDevice: any BusDevice { self }
    var outputs: [ConsoleOutput] { [channel.output] }

    var report: DeviceReport {
        var report = DeviceReport(name: configuration.port.name)
        report.consoleBytes = channel.byteCount
        return report
    }

    func read(offset: UInt64, width: Int) -> UInt64 { port.read(offset: offset, width: width) }

    func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        _ = port.write(offset: offset, width: width, value: value)
        if offset == 0, width == 1 { return countByte() }
        // The other registers decide what may interrupt.
        if port.interruptsOnReceive { watchInput() }
        if port.wantsEachByteAtOnce, phase.withLock({ $0 != .off }) { stopCoalescing() }
        return .none
    }

    // MARK: Output

    private var dataPort: UInt16 { configuration.port.ports.lowerBound }

    /// A byte was an exit.
    private func countByte() -> BusEffect {
        phase.withLock { phase in
            guard case .counting(let count) = phase else { return .none }
            phase = .counting(count + 1)
            guard count + 1 >= Self.threshold else { return .none }
            phase = host.coalescing.begin(dataPort, self) ? .on : .off
            return phase == .on ? .outputMayWait : .none
        }
    }

    private func stopCoalescing() {
        phase.withLock { phase in
            if phase == .on { host.coalescing.stop(dataPort) }
            phase = .off
        }
    }

    func playBack(_ write: CoalescedWrite) {
        _ = port.write(offset: 0, width: write.width, value: write.value)
    }

    // MARK: Input

    /// Where there are no interrupt controllers no guest waits for an interrupt.
    func begin() throws(VMMError) {
        guard let input, host.interrupts.exist else { return }
        try VMM.host { () throws(HostError) in
            try input.attach(host.loops.loop(for:)) { [weak self] in self?.bringInput() }
        }
    }

    /// From the first time on that the guest waits for an interrupt.
    private func watchInput() {
        guard let input, host.interrupts.exist, !isWatching.exchange(true, ordering: .relaxed) else { return }
        input.beginFilling()
        bringInput()
    }

    /// Takes what has come, as far as there is room, and asks to be woken for more: by the input, or when there is room again.
    private func bringInput() {
        guard let input, isWatching.load(ordering: .relaxed) else { return }
        let wake: @Sendable () -> Void = { [weak input] in input?.arm() }
        let room = port.pullInput(elseCall: wake)
        guard room > 0 else { return }
        input.fill(upTo: room)
        if port.pullInput(elseCall: wake) > 0 { input.arm() }
    }

    func end() -> UInt64 {
        input?.detach()
        return 0
    }
}
