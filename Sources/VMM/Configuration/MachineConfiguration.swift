import LinuxHost

/// What a machine is made of. Everything but the image has a default.
public struct MachineConfiguration: Sendable {
    public var image: ImageSource
    /// Nil to go by the image's content.
    public var format: ImageFormat?
    /// For flat images only, which cannot say it themselves; nil for real mode.
    public var mode: CPUMode?
    /// For flat images only, too: where they are loaded and entered.
    public var placement = FlatPlacement()
    /// Files that the guest is given beside its image, for boot protocols that hand some over: Linux's initial RAM disk.
    public var modules: [BootModule] = []
    /// RAM in bytes: whole pages, 1 MiB at least. Nil for ``ImageFormat/standardMemory``.
    public var memorySize: UInt64?
    /// Ranges of RAM that this program and the guest both use while it runs. Each belongs to one machine.
    public var sharedMemory: [SharedMemory] = []
    /// 1 to ``VirtualMachine/vcpuLimit``, and at most what the host's KVM gives. With more than one there are interrupt
    /// controllers, by which the first starts the others.
    public var vcpuCount = 1
    /// For 64-bit images, 2,047 bytes at most.
    public var commandLine = ""
    public var interruptControllers = InterruptControllers.auto
    /// Beside what every machine has. A 64-bit guest finds virtio devices by its command line, in this order.
    public var devices: [DeviceConfiguration] = [.uart(UARTConfiguration())]
    /// Whether virtio devices and the guest tell each other by ioeventfd and irqfd, where the host has them: the guest's doorbell is
    /// no exit then.
    public var usesEventFDs = true
    /// Changes the state that the guest is entered with, for a program that wants another than the boot protocol's.
    public var adjustState: (@Sendable (inout CPUState) -> Void)?
    /// Whether a state that VT-x or AMD-V would refuse is an error in words before it is tried.
    public var checksState = true
    /// Whether to measure how long each exit takes to handle, for ``RunReport/latencies``. It takes two looks at the clock each.
    public var measuresExits = false
    /// Gets a line for each exit; nil for none, which costs nothing.
    public var trace: ExitTrace?
    /// How long the guest may run; nil for as long as it likes. With 0 or less, which ``validate(readsFiles:)`` tells as a mistake, it ends
    /// at once.
    public var timeout: Duration?
    /// When it is over at the latest, making the machine included.
    public var deadline = Deadline.never
    /// Where all consoles write that have no other output.
    public var output: ConsoleOutput
    /// Who looks at the guest's text screen; nil for nobody.
    public var screen: ScreenConfiguration?
    /// What the first serial port, or the keyboard of a boot sector or beside a screen, and the hypercall doorbell receive; nil for nothing.
    public var input: ConsoleInput?
    /// Whether that keyboard, if there is one, gets ``input``, instead of the first serial port.
    public var inputGoesToKeyboard = true
    /// To stop, pause and resume the machine by; nil for one that the machine makes. It belongs to one machine.
    public var control: MachineControl?
    /// What works on the machine's event loop for the time of the run, such as a terminal's keys.
    public var attachments: [any MachineAttachment] = []
    /// Called on each thread of the machine before the guest's first instruction.
    public var onThreadStart: (@Sendable (ThreadRole) -> Void)?

    public init(image: ImageSource, output: ConsoleOutput = ConsoleOutput()) {
        self.image = image
        self.output = output
    }
}

extension MachineConfiguration {
    var imageLimits: ImageLimits { ImageLimits(memorySize: memorySize, until: deadline, control: control) }

    /// - Throws: `VMMError.module` for the first that cannot be opened.
    func openModules() throws(VMMError) -> [ImageReader] {
        var readers: [ImageReader] = []
        for module in modules { readers.append(try open(module)) }
        return readers
    }

    func open(_ module: BootModule) throws(VMMError) -> ImageReader {
        do throws(ImageError) {
            return try ImageReader(module.source, imageLimits)
        } catch .noRoom(let error) {
            throw .configuration("\(error); use less")
        } catch {
            throw .module(name: module.source.name, error)
        }
    }
}

/// What works on a machine's event loop beside its devices.
public protocol MachineAttachment: AnyObject, Sendable {
    /// Before the guest begins; handlers of the control group go on while the machine is paused.
    func begin(on loop: EventLoop) throws(HostError)
    /// The run is over. The loop calls nothing any more when this returns, or soon after.
    func end()
}

extension MachineAttachment {
    func begin(on machine: MachineHost) throws(VMMError) {
        try VMM.host { () throws(HostError) in try begin(on: machine.loops.light()) }
    }
}
