import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// A machine with its guest loaded, ready to run once.
///
/// ```swift
/// var machine = try VirtualMachine(MachineConfiguration(image: .file("guest.elf")))
/// let reason = try machine.run()
/// ```
///
/// Concurrency model: one thread makes it and runs it, and the first vCPU; ``stopHandle`` is for the others. For the time of the
/// run each further vCPU has a thread, and so has the input of a guest that waits for it by interrupts. Opening KVM takes the
/// real-time signal `SIGRTMIN + 4` of the process, which stops vCPUs.
public struct VirtualMachine: ~Copyable {
    /// The local APIC's number has 8 bits, of which 255 means all.
    public static let vcpuLimit = 255

    let configuration: MachineConfiguration
    let shared: SharedMachine
    /// vCPU 0, with which every guest begins.
    var first: VCPURunner
    let others: [OtherVCPU]
    var wallNanoseconds: Int64 = 0
    var unwrittenVirtioBytes: UInt64 = 0

    /// Ends the run from any thread.
    public let stopHandle: StopHandle

    /// Makes the machine, loads the image and sets the vCPU's first state.
    ///
    /// - Throws: `VMMError.kvm`, `.image`, `.configuration`, `.state`.
    public init(_ configuration: MachineConfiguration) throws(VMMError) {
        let system = try kvm { () throws(KVMError) in try KVMSystem() }
        let cpuid = try kvm { () throws(KVMError) in try system.supportedCPUID() }
        let ram = try GuestRAM(
            RAMLayout(size: configuration.memorySize, physicalAddressBits: cpuid.physicalAddressBits))
        var state = try Self.load(configuration, into: ram)
        configuration.adjustState?(&state)
        if configuration.checksState,
            let violation = state.entryViolation(physicalAddressBits: cpuid.physicalAddressBits)
        {
            throw .state(violation)
        }
        let machine = try kvm { () throws(KVMError) in try system.makeVirtualMachine() }
        let controllers = try Self.interruptControllers(configuration, system)
        try kvm { () throws(KVMError) in
            switch controllers {
            case .split: try machine.makeLocalInterruptControllers()
            case .full:
                try machine.makeInterruptControllers()
                try machine.makeTimer()
            case .auto, .none: break
            }
        }
        try ram.map(into: machine)
        try VirtioPortConfiguration.check(names: configuration.virtioConsole?.ports.map(\.name) ?? [])
        let outputs = ConsoleOutputs(
            main: configuration.output, serial: configuration.serialOutput, virtio: configuration.virtioConsole?.output)
        let control = RunControl()
        let coalescing = SerialCoalescing(system, isWanted: configuration.coalescesSerialOutput)
        var wiring = configuration.virtioConsole.map {
            VirtioConsoleDevice.Wiring(configuration: $0, control: control, coalescing: coalescing)
        }
        if wiring != nil, configuration.usesEventFDs, Self.hasEventFDs(system) {
            try kvm { () throws(KVMError) in try wiring?.useEvents(of: machine, controllers) }
        }
        let platform = try Platform(
            memory: ram.memory, outputs: outputs, input: configuration.input,
            interrupts: Platform.Interrupts(controllers, machine), virtioConsole: wiring)
        let shared = SharedMachine(
            configuration, platform, ram.memory, outputs: outputs, kvm: machine,
            hasInterruptControllers: controllers != .none, coalescing: coalescing, control: control)
        let first = try Self.makeRunner(0, shared, cpuid)
        try kvm { () throws(KVMError) in try first.vcpu.apply(state) }
        var others: [OtherVCPU] = []
        for index in 1..<configuration.vcpuCount { others.append(OtherVCPU(try Self.makeRunner(index, shared, cpuid))) }
        // Nothing of self is read before all of it is set: Swift 6.3 would destroy noncopyable fields that are not there yet.
        self.configuration = configuration
        self.shared = shared
        self.others = others
        self.stopHandle = StopHandle(shared.control)
        self.first = first
    }

    private static func makeRunner(
        _ index: Int, _ shared: SharedMachine, _ cpuid: CPUID
    ) throws(VMMError) -> VCPURunner {
        let vcpu = try kvm { () throws(KVMError) in
            let id = UInt32(truncatingIfNeeded: index)
            let vcpu = try shared.kvm.makeVCPU(id: id)
            let count = shared.configuration.vcpuCount
            try vcpu.setCPUID(cpuid.forGuest(vcpu: id, of: count, hasLocalAPIC: shared.hasInterruptControllers))
            return vcpu
        }
        shared.control.add(vcpu.kicker)
        return VCPURunner(index: index, machine: shared, vcpu: vcpu)
    }

    /// Which interrupt controllers the guest gets; never auto.
    private static func interruptControllers(
        _ configuration: MachineConfiguration, _ system: borrowing KVMSystem
    ) throws(VMMError) -> InterruptControllers {
        let count = configuration.vcpuCount
        let limit = min(vcpuLimit, system.value(of: .maxVCPUs))
        guard (1...max(1, limit)).contains(count) else {
            throw .configuration("\(count) vCPUs are not to be had; this host's KVM gives a machine 1 to \(limit)")
        }
        switch configuration.interruptControllers {
        case .none where count > 1:
            throw .configuration(
                "\(count) vCPUs need interrupt controllers, by which the first starts the others; ask for full ones or for one vCPU"
            )
        // Who starts others looks for a PC's timer.
        case .auto: return count > 1 ? .full : .none
        case .none, .split, .full: return configuration.interruptControllers
        }
    }

    private static func hasEventFDs(_ system: borrowing KVMSystem) -> Bool {
        for capability in [Capability.ioeventfd, .irqfd, .irqfdResample]
        where system.value(of: capability) <= 0 { return false }
        return true
    }

    /// Puts the image and the tables of its mode into RAM.
    private static func load(_ configuration: MachineConfiguration, into ram: GuestRAM) throws(VMMError) -> CPUState {
        let words =
            [configuration.commandLine] + (configuration.virtioConsole == nil ? [] : [VirtioSlot.console.argument])
        let parameters = try BootParameters(
            memoryMap: ram.layout.e820, commandLine: words.filter { !$0.isEmpty }.joined(separator: " "))
        let image = try ImageLoader(memory: ram.memory)
            .load(configuration.image, format: configuration.format, mode: configuration.mode)
        do throws(GuestMemoryError) {
            try BootTables.write(for: image.mode, parameters: parameters, into: ram.memory)
        } catch {
            throw .fault("the boot tables do not fit: \(error)")
        }
        switch image.mode {
        case .real: return .real(entry: UInt16(truncatingIfNeeded: image.entry))
        case .protected: return .protected(entry: UInt32(truncatingIfNeeded: image.entry))
        case .long: return .long(entry: image.entry, bootParameters: LowMemory.bootParameters)
        }
    }

    /// How much output nobody had taken when the run ended, in bytes.
    public var unwrittenByteCount: Int { shared.outputs.pendingCount + Int(clamping: unwrittenVirtioBytes) }

    /// Why the virtio-console asked its driver for a reset the first time, if it did.
    public var virtioConsoleFault: VirtioFault? { shared.platform.virtioConsole?.transport.fault }

    /// What came of the virtio-console's ports beside the console itself.
    public var virtioPorts: [VirtioPortReport] { shared.platform.virtioConsole?.portReports ?? [] }

    /// What the run did, in numbers.
    public var report: RunReport {
        var report = RunReport()
        report.wallNanoseconds = wallNanoseconds
        report.unwrittenBytes = unwrittenByteCount
        var tally = first.tally
        report.cpuNanoseconds = first.cpuNanoseconds
        for other in others {
            tally.add(other.runner.tally)
            report.cpuNanoseconds += other.runner.cpuNanoseconds
        }
        report.add(tally)
        report.coalescedWrites = shared.coalescing.count
        var latencies = first.latencies
        for other in others { if let more = other.runner.latencies { latencies?.add(more) } }
        report.latencies = latencies?.percentiles ?? [:]
        report.add(shared.platform)
        return report
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

/// What all vCPUs of a machine have in common.
final class SharedMachine: Sendable {
    let configuration: MachineConfiguration
    let outputs: ConsoleOutputs
    let platform: Platform
    let memory: GuestMemory
    let kvm: KVMVirtualMachine
    let hasInterruptControllers: Bool
    let coalescing: SerialCoalescing
    let control: RunControl
    let sleepWatch: SleepWatch
    private let watcher = Mutex<(InputWatcher, HelperThread?)?>(nil)

    init(
        _ configuration: MachineConfiguration, _ platform: Platform, _ memory: GuestMemory, outputs: ConsoleOutputs,
        kvm: consuming KVMVirtualMachine, hasInterruptControllers: Bool, coalescing: SerialCoalescing,
        control: RunControl
    ) {
        self.configuration = configuration
        self.outputs = outputs
        self.platform = platform
        self.memory = memory
        self.kvm = kvm
        self.hasInterruptControllers = hasInterruptControllers
        self.coalescing = coalescing
        self.control = control
        sleepWatch = SleepWatch(vcpuCount: configuration.vcpuCount)
    }

    /// Brings input to the serial port, from the first time on that the guest waits for an interrupt instead of looking.
    func watchInput() throws(HostError) {
        guard let input = configuration.input else { return }
        try watcher.withLock { watcher throws(HostError) in
            guard watcher == nil else { return }
            let new = try InputWatcher(input, for: platform.serial)
            watcher = (new, try new.start())
        }
    }

    func stopWatchingInput() {
        let watcher = watcher.withLock { $0.take() }
        watcher?.0.stop()
        watcher?.1?.stop()
    }

    /// Writes all output that the guest has made. The machine runs no more.
    func finishOutput(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        let result = outputs.flush(waits: true, unless: shouldGiveUp)
        guard let console = platform.virtioConsole else { return result }
        // Where one reader takes nothing, those of its ports may.
        let last = console.finish(unless: shouldGiveUp)
        return result == .done ? last : result
    }

    /// The same for a run that was stopped: a reader that takes nothing is waited for only so long, in nanoseconds. So is one that
    /// does take what the virtio-console was offered, which can be a million times what the other consoles hold back.
    func finishOutput(patience: Int64) -> ConsoleOutput.FlushResult {
        let result = outputs.flush(waits: true) { idle in idle > patience }
        guard let console = platform.virtioConsole else { return result }
        let end = MonotonicClock.now + patience
        let last = console.finish { _ in MonotonicClock.now > end }
        return result == .done ? last : result
    }

    /// What someone outside asks for, if anything.
    func requestedStop(_ deadline: Deadline) -> StopReason? {
        if control.stopIsRequested { return .stopped }
        if let signal = StopSignals.caught { return .signal(signal) }
        return deadline.isOver ? .deadline : nil
    }
}
