import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// A device with its host side, in a machine. Whatever of it works by itself does so on the machine's loops, which the machine pauses
/// and ends.
protocol MachineDevice: AnyObject, Sendable {
    var busDevice: any BusDevice { get }
    /// What of its output vCPUs write out.
    var outputs: [ConsoleOutput] { get }
    /// Prepares all that the device will need, before the guest begins.
    func begin() throws(VMMError)
    /// The vCPUs run no more: what the guest has offered without telling of it is to be taken, too.
    func finish()
    /// Whether the host has taken all that the guest has given.
    var isIdle: Bool { get }
    /// The loops have ended, and the vCPUs.
    ///
    /// - Returns: how many bytes the guest has given that the host has not taken and will not take.
    func end() -> UInt64
    var report: DeviceReport { get }
}

extension MachineDevice {
    var outputs: [ConsoleOutput] { [] }
    func begin() throws(VMMError) {}
    func finish() {}
    var isIdle: Bool { true }
    func end() -> UInt64 { 0 }
}

/// What came of a device in a run. Members that mean nothing for a device are nil, and left out.
public struct DeviceReport: Sendable, Equatable, Encodable {
    /// The slot's.
    public let name: String
    /// How many bytes it printed.
    public internal(set) var consoleBytes: UInt64?
    /// How many of its driver's doorbells were exits.
    public internal(set) var doorbellExits: UInt64?
    /// Why a virtio device asked its driver for a reset the first time.
    public internal(set) var fault: String?
    /// How many requests a disk has carried out, or an embedder's virtio device was given, and how many of a disk's failed.
    public internal(set) var requests: UInt64?
    public internal(set) var failedRequests: UInt64?
    /// Of a virtio-console, beside the console itself.
    public internal(set) var ports: [VirtioPortReport]?
    /// The last byte written to a port for codes.
    public internal(set) var lastCode: UInt8?
    /// Requests that did not lie in RAM.
    public internal(set) var lostRequests: UInt64?

    init(name: String) {
        self.name = name
    }
}

/// How a device of a configuration becomes one of a machine: each kind has one, and ``DeviceConfiguration`` lists them.
protocol DeviceDescription: Sendable {
    /// Looks whether the configuration can be had.
    ///
    /// - Throws: `VMMError.configuration`, with the reason and the remedy.
    func check() throws(VMMError)
    var slotRequest: SlotRequest { get }
    /// Of its consoles, where they have their own.
    var outputs: [ConsoleOutput] { get }
    var inputs: [ConsoleInput] { get }
    func makeDevice(_ slot: DeviceSlot, _ host: MachineHost) throws(VMMError) -> any MachineDevice
}

extension DeviceDescription {
    func check() throws(VMMError) {}
    var outputs: [ConsoleOutput] { [] }
    var inputs: [ConsoleInput] { [] }
}

/// What a machine gives its devices.
final class MachineHost: Sendable {
    let memory: GuestMemory
    /// Where all consoles write that have no other output.
    let output: ConsoleOutput
    let input: ConsoleInput?
    let events = MachineEventLatch()
    /// Says what of the memory of letters is on the screen.
    let screen = ScreenController()
    let control: MachineControl
    let interrupts: InterruptRouter
    let coalescing: CoalescedWrites
    let notifications: VirtioNotifications
    let loops: MachineLoops
    /// Signalled while the end of the run waits for devices.
    private let progress: EventFD
    private let isDraining = Atomic<Bool>(false)
    /// Whether ``input`` is for a keyboard, and not for the first serial port.
    let hasKeyboardInput: Bool
    /// What a BIOS reads besides the image, in the order of the devices.
    let disks = Mutex<[any BIOSDrive]>([])

    /// - Parameters:
    ///   - interrupts: none where there is no machine behind it, and so the following.
    ///   - input: for the first serial port, or a keyboard, and the hypercall doorbell.
    init(
        memory: GuestMemory, output: ConsoleOutput, input: ConsoleInput? = nil, hasKeyboardInput: Bool = false,
        control: MachineControl = MachineControl(), interrupts: InterruptRouter? = nil,
        coalescing: CoalescedWrites = CoalescedWrites(), notifications: VirtioNotifications = VirtioNotifications()
    ) throws(VMMError) {
        self.memory = memory
        self.output = output
        self.input = input
        self.hasKeyboardInput = hasKeyboardInput
        self.control = control
        if let interrupts { self.interrupts = interrupts } else { self.interrupts = try InterruptRouter() }
        self.coalescing = coalescing
        self.notifications = notifications
        loops = MachineLoops()
        progress = try VMM.host { () throws(HostError) in try EventFD() }
    }

    /// A device has worked.
    func noteProgress() {
        if isDraining.load(ordering: .relaxed) { progress.signal() }
    }

    /// Lets the loops go on until the devices are idle.
    ///
    /// - Parameter shouldGiveUp: asked whenever a device has worked, the calling thread was kicked, or some time is over.
    /// - Returns: whether they are.
    func drain(_ devices: [any MachineDevice], unless shouldGiveUp: () -> Bool) -> Bool {
        isDraining.store(true, ordering: .sequentiallyConsistent)
        for device in devices { device.finish() }
        while !devices.allSatisfy(\.isIdle) {
            if shouldGiveUp() { return false }
            _ = InterruptibleWait.wait(for: progress.number, nanoseconds: 50_000_000)
            _ = progress.take()
        }
        return true
    }
}

/// The threads that devices work on: a loop for what is light, a worker for files, and one for each device that asks for its own. Each is
/// there only if a device needs it.
final class MachineLoops: Sendable {
    private struct State {
        var light: EventLoop?
        var files: EventLoop?
        var all: [EventLoop] = []
    }

    /// How long all threads together may take to end, in nanoseconds: it must not hold up the end of the run.
    private static let patience: Int64 = 200_000_000

    private let state = Mutex(State())

    /// The loop for light work.
    func light() throws(HostError) -> EventLoop {
        try state.withLock { state throws(HostError) in try Self.loop(&state.light, &state.all) }
    }

    /// The loop for a stream: what can take long goes to the worker.
    func loop(for stream: Stream?) throws(HostError) -> EventLoop {
        guard let stream, stream.mayBlock else { return try light() }
        return try state.withLock { state throws(HostError) in try Self.loop(&state.files, &state.all) }
    }

    /// A worker of a device's own.
    func worker() throws(HostError) -> EventLoop {
        try state.withLock { state throws(HostError) in
            var none: EventLoop?
            return try Self.loop(&none, &state.all)
        }
    }

    private static func loop(_ loop: inout EventLoop?, _ all: inout [EventLoop]) throws(HostError) -> EventLoop {
        if let loop { return loop }
        let new = try EventLoop()
        loop = new
        all.append(new)
        return new
    }

    var all: [EventLoop] { state.withLock { $0.all } }

    func start(_ onStart: @escaping @Sendable () -> Void) throws(HostError) {
        for loop in all { try loop.start(onStart) }
        for loop in all { loop.waitUntilStarted() }
    }

    func end() {
        let end = MonotonicClock.after(Self.patience)
        for loop in all { loop.end(patience: 0) }
        for loop in all { loop.end(patience: max(0, end - MonotonicClock.now)) }
    }
}
