import DeviceModel
import KVM

/// A machine with its guest loaded, ready to run once.
///
/// ```swift
/// var machine = try VirtualMachine(MachineConfiguration(image: .file("guest.elf")))
/// let reason = try machine.run()
/// ```
///
/// Concurrency model: one thread makes it and runs it, its vCPU included; ``stopHandle`` is for the others. A thread is
/// started only for a guest that waits for input by interrupts, and ends with the run. Opening KVM takes the real-time signal `SIGRTMIN + 4` of the process, which stops vCPUs.
public struct VirtualMachine: ~Copyable {
    let configuration: MachineConfiguration
    let outputs: ConsoleOutputs
    let platform: Platform
    let memory: GuestMemory
    let machine: KVMVirtualMachine
    let hasInterruptControllers: Bool
    /// Which page of the vCPU's mapping holds the ring of coalesced writes.
    let ringPage: Int
    var coalescing: SerialCoalescing
    var inputWatcher: InputWatcher?
    var inputThread: HelperThread?
    var vcpu: KVMVCPU
    var tally = ExitTally()
    var wallNanoseconds: Int64 = 0
    var cpuNanoseconds: Int64 = 0

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
        let hasInterruptControllers = configuration.interruptControllers == .full
        if hasInterruptControllers {
            try kvm { () throws(KVMError) in
                try machine.makeInterruptControllers()
                try machine.makeTimer()
            }
        }
        try ram.map(into: machine)
        let vcpu = try kvm { () throws(KVMError) in try machine.makeVCPU(id: 0) }
        try kvm { () throws(KVMError) in
            try vcpu.setCPUID(cpuid.forGuest(vcpu: 0, hasLocalAPIC: hasInterruptControllers))
            try vcpu.apply(state)
        }
        let ringPage = system.value(of: .coalescedMMIO)
        let hasRing = configuration.coalescesSerialOutput && ringPage > 0 && system.value(of: .coalescedPorts) > 0
        let coalescing: SerialCoalescing = hasRing ? .counting(0) : .off
        let outputs = ConsoleOutputs(main: configuration.output, serial: configuration.serialOutput)
        let platform = try Platform(
            outputs: outputs, input: configuration.input,
            serialInterrupt: hasInterruptControllers ? machine.interruptLine(gsi: Platform.serialGSI) : nil)
        // Nothing of self is read before all of it is set: Swift 6.3 would destroy noncopyable fields that are not there yet.
        self.configuration = configuration
        self.outputs = outputs
        self.platform = platform
        self.memory = ram.memory
        self.hasInterruptControllers = hasInterruptControllers
        self.ringPage = ringPage
        self.coalescing = coalescing
        self.machine = machine
        self.stopHandle = StopHandle(vcpu.kicker)
        self.vcpu = vcpu
    }

    /// Puts the image and the tables of its mode into RAM.
    private static func load(_ configuration: MachineConfiguration, into ram: GuestRAM) throws(VMMError) -> CPUState {
        let parameters = try BootParameters(memoryMap: ram.layout.e820, commandLine: configuration.commandLine)
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
    public var unwrittenByteCount: Int { outputs.pendingCount }

    /// What the run did, in numbers.
    public var report: RunReport {
        var report = RunReport()
        report.wallNanoseconds = wallNanoseconds
        report.cpuNanoseconds = cpuNanoseconds
        report.unwrittenBytes = unwrittenByteCount
        report.add(tally)
        report.add(platform)
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

/// Calls KVM and gives its error as one of this module.
func kvm<Value: ~Copyable>(_ body: () throws(KVMError) -> Value) throws(VMMError) -> Value {
    do throws(KVMError) {
        return try body()
    } catch {
        throw .kvm(error)
    }
}
