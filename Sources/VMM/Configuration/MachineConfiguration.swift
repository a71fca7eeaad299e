/// What a machine is made of. Everything but the image has a default.
public struct MachineConfiguration: Sendable {
    public var image: ImageSource
    /// Nil to go by the image's content.
    public var format: ImageFormat?
    /// For flat images only, which cannot say it themselves; nil for real mode.
    public var mode: CPUMode?
    /// RAM in bytes: whole pages, 1 MiB at least.
    public var memorySize: UInt64 = 64 << 20
    /// 1 to ``VirtualMachine/vcpuLimit``, and at most what the host's KVM gives. With more than one there are interrupt
    /// controllers, by which the first starts the others.
    public var vcpuCount = 1
    /// For 64-bit images, 2,047 bytes at most.
    public var commandLine = ""
    public var interruptControllers = InterruptControllers.auto
    /// Whether much output of the serial port waits in a ring of the kernel instead of being an exit for each byte.
    public var coalescesSerialOutput = true
    /// A virtio-console beside the other consoles; nil for none. A 64-bit guest finds it by its command line.
    public var virtioConsole: VirtioConsoleConfiguration?
    /// Whether virtio devices and the guest tell each other by event descriptors, where the host has them: the guest's doorbell is
    /// no exit then.
    public var usesEventFDs = true
    /// Changes the state that the guest is entered with, for a program that wants another than the mode's.
    public var adjustState: (@Sendable (inout CPUState) -> Void)?
    /// Whether a state that VT-x or AMD-V would refuse is an error in words before it is tried.
    public var checksState = true
    /// Whether to measure how long each exit takes to handle, for ``RunReport/latencies``. It takes two looks at the clock each.
    public var measuresExits = false
    /// How long the guest may run; nil for as long as it likes.
    public var timeout: Duration?
    /// Where all consoles write.
    public var output: ConsoleOutput
    /// Where the serial port writes instead; nil for ``output``.
    public var serialOutput: ConsoleOutput?
    /// What the serial port and the hypercall doorbell receive; nil for nothing.
    public var input: ConsoleInput?

    public init(image: ImageSource, output: ConsoleOutput = ConsoleOutput()) {
        self.image = image
        self.output = output
    }
}
