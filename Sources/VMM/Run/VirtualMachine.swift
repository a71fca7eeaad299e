import DeviceModel
import KVM
import LinuxHost

/// A machine with its guest loaded, ready to run once.
///
/// ```swift
/// let finished = try await VirtualMachine(MachineConfiguration(image: .file("guest.elf"))).run()
/// print(try finished.reason)
/// ```
///
/// What it does to the process: opening KVM takes the real-time signal `SIGRTMIN + 4`, which stops vCPUs, and handles no other;
/// descriptors that it was not given, the terminal and other threads are left alone; nothing ends the process.
///
/// Concurrency model: one thread at a time has it; ``control`` is for all. For the time of the run each vCPU has a thread, the first
/// where the run is asynchronous, and so have its devices where they have something to wait for.
public struct VirtualMachine: ~Copyable, @unchecked Sendable {
    // Sent from one owner to the next; what two borrow at once is constant.
    /// The local APIC's number has 8 bits, of which 255 means all.
    public static let vcpuLimit = 255

    let configuration: MachineConfiguration
    let parts: MachineParts
    /// Both go with the machine at the latest.
    let consoleEnds: ConsoleEnds
    private let runlessEnd: RunlessEnd
    /// vCPU 0, with which every guest begins.
    var first: VCPURunner
    let others: [OtherVCPU]

    /// What the machine is.
    public let plan: MachinePlan

    /// Stops, pauses and resumes it, from any thread.
    public var control: MachineControl { parts.control }

    /// Makes the machine, loads the image and sets the vCPU's first state.
    ///
    /// The configuration's control, inputs, streams and shared memory belong to this machine from now on, also where it cannot be made.
    ///
    /// It keeps the calling thread until image and modules are read; where there are Swift tasks the asynchronous form is the right one.
    /// What comes through a pipe is waited for: ``MachineConfiguration/deadline`` and ``MachineControl/stop()`` end that.
    ///
    /// - Throws: `VMMError.kvm`, `.host`, `.image`, `.configuration`, `.state`.
    public init(_ configuration: MachineConfiguration) throws(VMMError) {
        self = try VirtualMachine(configuration, MachineClaims(configuration))
    }

    /// - Parameter claims: the configuration's.
    init(_ configuration: MachineConfiguration, _ claims: MachineClaims) throws(VMMError) {
        do throws(VMMError) {
            if let refusal = claims.refusal { throw refusal }
            self = try VirtualMachine(making: configuration, claims.consoleEnds)
        } catch {
            // Whoever follows the machine waits no longer.
            claims.control?.noteEnd(.failed(error))
            throw error
        }
    }

    private init(making configuration: MachineConfiguration, _ consoleEnds: ConsoleEnds) throws(VMMError) {
        let system = try kvm { () throws(KVMError) in try KVMSystem() }
        let cpuid = try kvm { () throws(KVMError) in try system.supportedCPUID() }
        let limits = HostLimits(
            physicalAddressBits: cpuid.physicalAddressBits, vcpuCount: system.value(of: .maxVCPUs),
            hasDeadlineTimer: system.value(of: .deadlineTimer) > 0)
        let (plan, ram, image) = try Self.load(configuration, limits)
        var state = plan.boot.entryState
        configuration.adjustState?(&state)
        if configuration.checksState,
            let violation = state.entryViolation(physicalAddressBits: cpuid.physicalAddressBits)
        {
            throw .state(violation)
        }
        let machine = try kvm { () throws(KVMError) in try system.makeVirtualMachine() }
        if system.value(of: .userSpaceMSR) > 0 {
            // Where a host refuses that, guests get #GP all the same, and nothing tells of it.
            try? machine.tellRefusedMSRs()
        }
        let interrupts = try InterruptRouter(
            plan.interrupts, asBIOSLeavesThem: plan.boot.protocol.followsBIOS, machine)
        try ram.map(into: machine)
        let first = try Self.makeVCPU(0, machine, plan, cpuid, limits)
        try kvm { () throws(KVMError) in try first.apply(state) }
        let host = try MachineHost(
            memory: ram.memory, output: configuration.output, input: configuration.input,
            hasKeyboardInput: configuration.inputGoesToKeyboard
                && (plan.boot.protocol.hasBIOS || configuration.screen != nil),
            control: configuration.control ?? MachineControl(), interrupts: interrupts,
            coalescing: try CoalescedWrites(system, machine, first, configuration.trace),
            notifications: VirtioNotifications(system, machine, isWanted: configuration.usesEventFDs, interrupts))
        let parts = try MachineParts(plan, configuration, host, image: image, kvm: machine)
        // One that the machine makes is its own as well.
        _ = host.control.claim()
        host.control.connect(ram.memory)
        for shared in configuration.sharedMemory { shared.connect(ram.memory) }
        host.control.add(first.kicker)
        var others: [OtherVCPU] = []
        for index in 1..<plan.vcpuCount {
            let vcpu = try Self.makeVCPU(index, parts.kvm, plan, cpuid, limits)
            host.control.add(vcpu.kicker)
            others.append(OtherVCPU(VCPURunner(index: index, machine: parts, vcpu: vcpu)))
        }
        // Nothing of self is read before all of it is set: Swift 6.3 would destroy noncopyable fields that are not there yet.
        self.configuration = configuration
        self.plan = plan
        self.parts = parts
        self.consoleEnds = consoleEnds
        runlessEnd = RunlessEnd(of: host.control)
        self.others = others
        self.first = VCPURunner(index: 0, machine: parts, vcpu: first)
    }

    private static func makeVCPU(
        _ index: Int, _ machine: borrowing KVMVirtualMachine, _ plan: MachinePlan, _ cpuid: CPUID,
        _ limits: HostLimits
    ) throws(VMMError) -> KVMVCPU {
        try kvm { () throws(KVMError) in
            let id = UInt32(truncatingIfNeeded: index)
            let vcpu = try machine.makeVCPU(id: id)
            try vcpu.setCPUID(
                cpuid.forGuest(
                    vcpu: id, of: plan.vcpuCount, hasLocalAPIC: plan.interrupts != .none,
                    hasDeadlineTimer: limits.hasDeadlineTimer))
            return vcpu
        }
    }

    /// Plans the machine, and puts the image and the tables into RAM.
    private static func load(
        _ configuration: MachineConfiguration, _ limits: HostLimits
    ) throws(VMMError) -> (MachinePlan, GuestRAM, ImageReader) {
        let name = configuration.image.name
        // Before the image is read, for which there has to be as much memory: no image helps a machine that cannot be.
        if let size = configuration.memorySize {
            _ = try MemoryMap(size: size, physicalAddressBits: limits.physicalAddressBits)
        }
        let image = try ImageReader.open(
            configuration.image, format: configuration.format, configuration.imageLimits)
        let inspection = try ImageInspection(
            image, name: name, format: configuration.format, mode: configuration.mode,
            placement: configuration.placement,
            memorySize: configuration.memorySize, physicalAddressBits: limits.physicalAddressBits)
        let modules = try configuration.openModules()
        // Before anything is loaded: a refused image leaves no trace.
        let plan = try MachinePlan(configuration, image: inspection, modules: modules.map(\.size), host: limits)
        let ram = try GuestRAM(plan.memory, hasHugePages: plan.boot.protocol.wantsHugePages)
        try imageErrors(name) { () throws(ImageError) in
            try plan.boot.load(from: image, modules: modules, into: ram.memory)
        }
        return (plan, ram, image)
    }
}

extension KVMVCPU {
    /// Sets the state that the guest is entered with. The APIC's base stays as KVM made it.
    func apply(_ state: CPUState) throws(KVMError) {
        var special = state.special
        special.apicBase = try specialRegisters().apicBase
        try setSpecialRegisters(special)
        try setRegisters(state.registers)
    }
}
