import DeviceModel
import KVM

/// A machine with one of the trials' guests in it and no devices: what the guest does is seen as plain exits.
struct TrialMachine: ~Copyable {
    private static let memorySize: UInt64 = 2 << 20

    let machine: KVMVirtualMachine
    var vcpu: KVMVCPU
    /// The state that ``reset()`` sets; the guest begins with it.
    var state: CPUState
    private let timer: KickTimer

    init(
        _ system: borrowing KVMSystem, _ cpuid: CPUID, _ program: TrialProgram, withInterruptControllers: Bool = false
    ) throws {
        let entry = program.isReal ? LowMemory.realModeImage : LowMemory.flatImage
        let ram = try Self.makeRAM(program, entry: entry)
        let machine = try system.makeVirtualMachine()
        if withInterruptControllers { try machine.makeInterruptControllers() }
        try ram.map(into: machine)
        let vcpu = try machine.makeVCPU(id: 0)
        try vcpu.setCPUID(cpuid.forGuest(vcpu: 0, of: 1, hasLocalAPIC: withInterruptControllers))
        let state = Self.firstState(program, entry: entry)
        try vcpu.apply(state)
        let timer = try KickTimer()
        self.machine = machine
        self.vcpu = vcpu
        self.state = state
        self.timer = timer
    }

    private static func makeRAM(_ program: TrialProgram, entry: UInt64) throws -> GuestRAM {
        let ram = try GuestRAM(RAMLayout(size: memorySize, physicalAddressBits: 32))
        let parameters = try BootParameters(memoryMap: ram.layout.e820, commandLine: "")
        try BootTables.write(for: program.isReal ? .real : .long, parameters: parameters, into: ram.memory)
        try ram.memory.write(program.code.span, at: GuestAddress(entry))
        return ram
    }

    private static func firstState(_ program: TrialProgram, entry: UInt64) -> CPUState {
        var state =
            program.isReal
            ? CPUState.real(entry: UInt16(truncatingIfNeeded: entry))
            : CPUState.long(entry: entry, bootParameters: LowMemory.bootParameters)
        state.registers.rdx = UInt64(TrialProgram.port)
        state.registers.rbx = TrialProgram.device
        if case .ring3 = program { state.enterUserMode() }
        return state
    }

    /// Sets the first state.
    mutating func reset() throws {
        try vcpu.apply(state)
    }

    /// Runs to the next exit that is not a kick.
    ///
    /// - Returns: nil when `limit`, in nanoseconds, passes first.
    mutating func run(for limit: Int64) throws -> VCPUExit? {
        let end = MonotonicClock.now + limit
        try timer.arm(after: limit, every: 10_000_000)
        defer { timer.disarm() }
        while true {
            let exit = try vcpu.run()
            if exit != .interrupted { return exit }
            if MonotonicClock.now >= end { return nil }
        }
    }

    /// How long a counting loop of so many rounds takes from its first instruction to the exit at its end, in nanoseconds.
    ///
    /// - Returns: nil when it does not end in time.
    /// - Throws: ``TrialError`` when it ends in another way.
    mutating func time(rounds: UInt64) throws -> Int64? {
        state.registers.rcx = rounds
        try reset()
        let start = MonotonicClock.now
        switch try run(for: HostTrials.limit) {
        case .portWrite, .mmioWrite: return MonotonicClock.now - start
        case nil: return nil
        case let exit?: throw TrialError(exit: exit)
        }
    }
}

extension CPUState {
    /// Flat user-mode segments in place of the kernel's.
    fileprivate mutating func enterUserMode() {
        special.cs.selector |= 3
        special.cs.privilegeLevel = 3
        special.ss.selector |= 3
        special.ss.privilegeLevel = 3
        for segment in [\SpecialRegisters.ds, \.es, \.fs, \.gs] {
            special[keyPath: segment] = special.ss
        }
    }
}
