import DeviceModel
import KVM
import LinuxHost

/// Finds out what a host's KVM can do by doing it: each trial is a machine of its own with a few instructions in it, and a
/// time limit.
public struct HostTrials: ~Copyable {
    /// How long a trial may take, in nanoseconds; one that measures by longer and longer runs, each of them. Emulated hosts are
    /// slow.
    static let limit: Int64 = 5_000_000_000

    private let system: KVMSystem
    private let cpuid: CPUID

    /// - Throws: ``VMMError/kvm(_:)`` where there is no usable KVM at all.
    public init() throws(VMMError) {
        let system = try kvm { () throws(KVMError) in try KVMSystem() }
        cpuid = try kvm { () throws(KVMError) in try system.supportedCPUID() }
        self.system = system
    }

    /// Runs all trials; takes a tenth of a second or so on a real host.
    public func report() -> HostReport {
        let ringZero = attempt { try instructionCost(.ring0) }
        let ringThree = attempt { try instructionCost(.ring3) }
        return HostReport(
            backend: attempt { try backend() },
            isNested: HostFacts.isNested,
            modules: HostFacts.loadedModules,
            physicalAddressBits: cpuid.physicalAddressBits,
            ring0Instruction: ringZero,
            ring3Instruction: ringThree,
            portExit: attempt { try exitCost(.portExits) },
            mmioExit: attempt { try exitCost(.mmioExits) },
            ioeventfd: attempt { try ioeventfd() },
            coalescedWrites: attempt { try coalescedWrites() },
            irqfd: attempt { try irqfd() },
            singleStep: attempt { try singleStep() })
    }

    /// Whether a guest's kernel is run in software here, a thousand times slower than by a processor.
    public func interpretsKernels() -> Bool { (try? backend()) == .software }

    private func attempt<Value>(_ trial: () throws -> Value) -> HostReport.Outcome<Value> {
        do { return .success(try trial()) } catch { return .failure("\(error)") }
    }

    // MARK: What kind of host it is

    /// A 64-bit code segment that claims to be 32-bit too: VT-x and AMD-V both refuse it, each in its own way (Intel SDM
    /// vol. 3C section 27.3.1.2; AMD APM vol. 2 section 15.5.1), and a backend in software has nothing that would.
    private func backend() throws -> HostReport.Backend {
        var trial = try TrialMachine(system, cpuid, .halt)
        trial.state.special.cs.is32Bit = true
        try trial.reset()
        switch try trial.run(for: Self.limit) {
        // VM-entry failure, basic reason 33: invalid guest state (Intel SDM vol. 3D appendix C).
        case .entryFailure(reason: 0x8000_0021, _): return .vtx
        // VMEXIT_INVALID, -1 in 32 or 64 bits (AMD APM vol. 2 appendix C).
        case .entryFailure(let reason, _) where reason & 0xFFFF_FFFF == 0xFFFF_FFFF: return .amdV
        case .halt: return .software
        case let exit: return .unknown(exit.map { "\($0)" } ?? "no answer")
        }
    }

    // MARK: What things cost

    /// Nanoseconds for one instruction of a counting loop, the cost of the exit at its end taken off.
    private func instructionCost(_ program: TrialProgram) throws -> HostReport.Cost {
        var trial = try TrialMachine(system, cpuid, program)
        // The least of some: one that had to wait for the processor would take all of the cost off.
        let short = try (0..<5).compactMap { _ in try trial.time(rounds: 1) }.min()
        var rounds: UInt64 = 1_000
        while let long = try trial.time(rounds: rounds) {
            // Two instructions a round. Long enough to drown the exit, or as long as it is let.
            if long > 10_000_000 || rounds >= 1 << 32 {
                return .nanoseconds(Double(max(0, long - (short ?? 0))) / Double(2 * rounds))
            }
            rounds *= 4
        }
        return .tooSlow
    }

    private func exitCost(_ program: TrialProgram) throws -> HostReport.Cost {
        var trial = try TrialMachine(system, cpuid, program)
        let count = 500
        let start = MonotonicClock.now
        for _ in 0..<count {
            switch try trial.run(for: start + Self.limit - MonotonicClock.now) {
            case .portWrite, .mmioWrite: continue
            case nil: return .tooSlow
            case let exit?: throw TrialError(exit: exit)
            }
        }
        return .nanoseconds(Double(MonotonicClock.now - start) / Double(count))
    }

    // MARK: What works

    /// As a virtio driver rings: a write of one value only adds to an event, that of another is an exit (an ioeventfd with datamatch).
    private func ioeventfd() throws -> Bool {
        let event = try EventFD()
        var trial = try TrialMachine(system, cpuid, .ringTwice)
        let register = TrialProgram.device &+ VirtioWindow.notifyOffset
        try trial.machine.ioeventfds.signal(event, onWriteOf: 1, to: register)
        guard try trial.run(for: Self.limit) == .mmioWrite(address: register, width: 4, value: 2) else { return false }
        return event.take() == 1
    }

    private func coalescedWrites() throws -> Bool {
        guard system.value(of: .coalescedPorts) > 0 else { return false }
        var trial = try TrialMachine(system, cpuid, .writeAndHalt)
        try trial.machine.coalescedPorts.coalesce(TrialProgram.port)
        var ring = try CoalescedRing(of: trial.vcpu, page: system.value(of: .coalescedMMIO))
        return try trial.run(for: Self.limit) == .halt && ring.take()?.address == UInt64(TrialProgram.port)
    }

    /// The guest says when it is ready, sleeps, and answers the interrupt; its end comes back (an irqfd with resample).
    private func irqfd() throws -> Bool {
        var trial = try TrialMachine(system, cpuid, .interrupt, withInterruptControllers: true)
        let irqfd = try trial.machine.irqfds.make(gsi: 5)
        let write = VCPUExit.portWrite(PortAccess(port: TrialProgram.port, width: 1, count: 1))
        guard try trial.run(for: Self.limit) == write else { return false }
        irqfd.raise()
        guard try trial.run(for: Self.limit) == write, !irqfd.takeEnd() else { return false }
        return try trial.run(for: Self.limit) == write && irqfd.takeEnd()
    }

    /// One step over the first instruction, which has 3 bytes.
    private func singleStep() throws -> Bool {
        guard system.value(of: .guestDebug) > 0 else { return false }
        var trial = try TrialMachine(system, cpuid, .ring0)
        try trial.vcpu.setSingleStep(true)
        guard case .debug(_, let address) = try trial.run(for: Self.limit) else { return false }
        return address == trial.state.registers.rip + 3
    }
}
