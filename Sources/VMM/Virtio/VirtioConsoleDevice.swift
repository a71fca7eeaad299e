import DeviceModel
import KVM

/// A machine's virtio-console with everything around it: its transport, its place, and how it and the guest tell each other.
struct VirtioConsoleDevice: Sendable {
    /// What only the machine can give.
    struct Wiring {
        var configuration: VirtioConsoleConfiguration
        /// Ends the run when the output cannot be written.
        var control: RunControl
        /// Nil where no writes to the serial port wait in the kernel.
        var coalescing: SerialCoalescing?
        /// Nil where each ring is an exit.
        var doorbell: KVMDoorbell?
        /// Nil where the interrupt is a call, or there are no controllers in the kernel.
        var line: InterruptEventLine?

        /// Has the console and the guest tell each other by event descriptors.
        mutating func useEvents(
            of machine: borrowing KVMVirtualMachine, _ controllers: InterruptControllers
        ) throws(KVMError) {
            let slot = VirtioSlot.console
            doorbell = machine.doorbell(at: slot.address + VirtioSlot.notifyOffset)
            if controllers == .full { line = InterruptEventLine(try machine.interruptEvent(gsi: slot.gsi)) }
        }
    }

    let transport: VirtioMMIO
    let bell: InterruptBell
    private let console: VirtioConsole
    private let channel: ConsoleChannel
    private let line: InterruptEventLine?

    /// - Parameters:
    ///   - output: where all consoles write.
    ///   - line: to interrupt controllers, where the wiring has none of its own; nil where there are none.
    ///   - ports: where writes that wait in the kernel are played back to, before anything is printed behind them.
    init(
        _ wiring: Wiring, memory: GuestMemory, output: ConsoleOutput, line: (any InterruptLine)?, ports: Bus
    ) throws(KVMError) {
        channel = ConsoleChannel(to: wiring.configuration.output ?? output)
        bell = try InterruptBell()
        let (control, coalescing) = (wiring.control, wiring.coalescing)
        console = try VirtioConsole(
            receiver: ConsoleReceiver(from: wiring.configuration.input, memory: memory),
            transmitter: ConsoleTransmitter(to: channel, memory: memory) { coalescing?.drain(into: ports) },
            doorbell: wiring.doorbell
        ) { control.end(.failure(.output($0))) }
        transport = VirtioMMIO(
            backend: console, memory: memory, interrupt: bell.line(to: wiring.line ?? line))
        self.line = wiring.line
    }

    /// Before the machine runs.
    func begin() throws(KVMError) {
        try line?.watchEnds { [weak transport] in transport?.interruptEnded() }
    }

    /// How many bytes it has written.
    var byteCount: UInt64 { channel.byteCount }

    /// How many times the driver rang by an exit.
    var ringCount: UInt64 { console.ringCount }

    /// Ends all threads. The machine runs no more.
    func end() {
        line?.end()
        console.end()
    }

    /// Writes what the guest has offered by the end of the run.
    func finish(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        console.finish(unless: shouldGiveUp)
    }

    /// How much output is not written and will not be, in bytes. To be asked once.
    func abandonOutput() -> UInt64 { console.abandonOutput() }
}
