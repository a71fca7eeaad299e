import DeviceModel
import Glibc
import KVM
import LinuxHost
import Synchronization

/// A machine's virtio-console with everything around it: its transport, its place, and how it and the guest tell each other.
final class VirtioConsoleDevice: Sendable {
    /// What only the machine can give.
    struct Wiring {
        var configuration: VirtioConsoleConfiguration
        /// Ends the run when the console's output cannot be written.
        var control: RunControl
        /// Nil where no writes to the serial port wait in the kernel.
        var coalescing: SerialCoalescing?
        /// Nil where each ring is an exit.
        var doorbell: KVMIOEventFD?
        /// Nil where the interrupt is a call, or there are no controllers in the kernel.
        var line: InterruptEventLine?

        /// Has the console and the guest tell each other by event descriptors.
        mutating func useEvents(
            of machine: borrowing KVMVirtualMachine, _ controllers: InterruptControllers
        ) throws(KVMError) {
            let slot = VirtioSlot.console
            doorbell = machine.doorbell(at: slot.address + VirtioSlot.notifyOffset)
            if controllers == .full { line = InterruptEventLine(try machine.irqfd(gsi: slot.gsi)) }
        }
    }

    /// How often it is looked who is at the ends of the ports, in milliseconds: nothing tells that a pseudo-terminal was opened.
    private static let interval: Int32 = 100
    /// How long the end of the run stays with one port while others wait for their turn, in nanoseconds.
    private static let turn: Int64 = 50_000_000
    /// How long it rests when no port's reader takes anything, in microseconds.
    private static let rest: UInt32 = 5_000

    let transport: VirtioMMIO
    let bell: InterruptBell
    private let console: VirtioConsole
    /// The console first.
    private let ports: [ConsolePort]
    private let line: InterruptEventLine?
    private let watch = Mutex<HelperThread?>(nil)

    /// - Parameters:
    ///   - output: where all consoles write.
    ///   - line: to interrupt controllers, where the wiring has none of its own; nil where there are none.
    ///   - bus: where writes that wait in the kernel are played back to, before anything is printed behind them.
    init(
        _ wiring: Wiring, memory: GuestMemory, output: ConsoleOutput, line: (any InterruptLine)?, ports bus: Bus
    ) throws(HostError) {
        bell = try InterruptBell()
        let configuration = wiring.configuration
        let control = try Self.makeControl(configuration)
        let maker = ConsolePortMaker(wiring, memory, bus, control)
        var ports = [
            try maker.make(
                0, name: "", ConsoleChannel(to: configuration.output ?? output), input: configuration.input)
        ]
        for (index, port) in configuration.ports.enumerated() {
            let channel = ConsoleChannel(to: port.output, dropsWhenFailed: true)
            ports.append(try maker.make(index + 1, name: port.name, channel, input: port.input))
        }
        self.ports = ports
        console = try VirtioConsole(ports, control: control, memory: memory, window: configuration.window)
        transport = VirtioMMIO(
            backend: console, memory: memory, interrupt: bell.line(to: wiring.line ?? line))
        self.line = wiring.line
    }

    /// Nil where there is the console alone.
    private static func makeControl(_ configuration: VirtioConsoleConfiguration) throws(HostError) -> ConsoleControl? {
        guard !configuration.ports.isEmpty else { return nil }
        let console = VirtioConsolePort(name: [], isConsole: true, isHostOpen: true)
        let others = configuration.ports.map {
            VirtioConsolePort(name: Array($0.name.utf8), isConsole: false, isHostOpen: $0.output.isConnected)
        }
        return try ConsoleControl(VirtioConsolePorts([console] + others, size: configuration.window?.size))
    }

    /// Before the machine runs.
    func begin() throws(HostError) {
        try line?.watchEnds { [weak transport] in transport?.interruptEnded() }
        guard ports.count > 1 else { return }
        let console = console
        let thread = try HelperThread { waiter in
            while waiter.wait(for: nil, milliseconds: Self.interval) == .timeout { console.lookAtEnds() }
        }
        watch.withLock { $0 = thread }
    }

    /// Whether the driver is to be told something by the control queues, for tests.
    var hasControlMessage: Bool { console.hasControlMessage }

    /// How many bytes the console has written.
    var byteCount: UInt64 { ports.first?.channel.byteCount ?? 0 }

    /// What came of the other ports.
    var portReports: [VirtioPortReport] { ports.dropFirst().map(\.report) }

    /// How many times the driver rang by an exit.
    var ringCount: UInt64 { console.ringCount }

    /// Ends all threads. The machine runs no more.
    func end() {
        watch.withLock { $0.take() }?.stop()
        line?.end()
        console.end()
    }

    /// Writes what the guest has offered by the end of the run. Ports take turns, so that one whose reader is slow holds up no other.
    func finish(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        var waiting = ports
        var result = ConsoleOutput.FlushResult.done
        while true {
            let isLast = waiting.count == 1
            waiting = waiting.filter { port in
                guard isLast || !port.isHeldUp else { return true }
                let end = MonotonicClock.now + Self.turn
                switch port.finish(unless: { shouldGiveUp($0) || !isLast && MonotonicClock.now > end }) {
                case .gaveUp: return true
                case .done: return false
                case .failed(let error):
                    result = .failed(error)
                    return false
                }
            }
            if waiting.isEmpty { return result }
            if isLast || shouldGiveUp(0) { return result == .done ? .gaveUp : result }
            if waiting.allSatisfy(\.isHeldUp) { usleep(Self.rest) }
        }
    }

    /// How much output is not written and will not be, in bytes. To be asked once.
    func abandonOutput() -> UInt64 { ports.reduce(0) { $0 &+ $1.abandonOutput() } }
}

/// A virtio device's place on the platform.
struct VirtioSlot {
    /// The first device's registers; the others' follow.
    private static let firstAddress: UInt64 = 0xD000_0000
    /// Lines that no part of a PC has. GSIs 0, 2, 4, 8, 9 and 12 to 15 belong to one.
    private static let lines: [UInt32] = [5, 6, 7, 10, 11] + Array(16..<24)

    /// Where the driver rings: QueueNotify (VIRTIO 1.2 §4.2.2).
    static let notifyOffset: UInt64 = 0x50

    let address: UInt64
    let gsi: UInt32

    static let console = VirtioSlot(0)

    private init(_ number: Int) {
        address = Self.firstAddress + UInt64(number) * VirtioMMIO.byteCount
        gsi = Self.lines[number]
    }

    /// How a guest finds it by its command line (Linux, Documentation/admin-guide/kernel-parameters.txt, virtio_mmio.device).
    var argument: String { "virtio_mmio.device=4K@0x\(String(address, radix: 16)):\(gsi)" }
}
