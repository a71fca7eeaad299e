import DeviceModel
import KVM
import LinuxHost

/// One vCPU and what its thread does with it: the run loop.
struct VCPURunner: ~Copyable {
    /// From 0 on; also the number of its local APIC.
    let index: Int
    let machine: MachineParts
    var vcpu: KVMVCPU
    var tally = ExitTally()
    /// Nil where nobody asks.
    private(set) var latencies: ExitLatencies?
    /// Processor time of its thread, guest included.
    private(set) var cpuNanoseconds: Int64 = 0
    private(set) var deadline = Deadline(after: nil)

    init(index: Int, machine: MachineParts, vcpu: consuming KVMVCPU) {
        self.index = index
        self.machine = machine
        self.vcpu = vcpu
        latencies = machine.measuresExits ? ExitLatencies() : nil
    }

    /// Runs the vCPU on the calling thread until the run ends, whoever ends it.
    mutating func run(until deadline: Deadline) {
        let start = MonotonicClock.threadTime
        self.deadline = deadline
        vcpu.kicker.noteThread()
        machine.control.enter()
        do throws(VMMError) {
            var alarm = try host { () throws(HostError) in
                var alarm = try RunAlarm(
                    deadline, watches: machine.host.interrupts.exist || machine.trace != nil,
                    isPrompt: machine.outputs.contains(where: \.isListenedTo))
                try alarm.rest()
                return alarm
            }
            var reason = park()
            if reason == nil { reason = try loop(&alarm) }
            if let reason { machine.control.end(.ended(reason)) }
        } catch {
            machine.control.end(.failed(error))
        }
        machine.control.leave()
        cpuNanoseconds = MonotonicClock.threadTime - start
    }

    /// - Returns: nil where another vCPU ended the run.
    private mutating func loop(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        let (host, ports, memory, trace) = (machine.host, machine.ports, machine.mmio, machine.trace)
        let isTimed = latencies != nil || trace != nil
        while true {
            let exit: VCPUExit
            do throws(KVMError) { exit = try vcpu.run() } catch { throw .kvm(error) }
            let start = isTimed ? MonotonicClock.now : 0
            let kind = tally.count(exit)
            host.coalescing.drain()
            if let trace, !exit.isRead { note(exit, in: trace, at: start) }
            switch exit {
            case .portWrite(let access):
                if access.port == Ports.vectors {
                    if let reason = try vector(access) { return reason }
                    // What was written on the way may wait in the kernel's ring from now on.
                    if host.coalescing.isActive { try VMM.host { () throws(HostError) in try alarm.poll() } }
                } else {
                    let effects = writePort(access, ports)
                    if !effects.isEmpty, let reason = try perform(effects, &alarm) { return reason }
                }
            case .portRead(let access):
                readPort(access, ports)
                if let trace { note(exit, in: trace, at: start) }
            case .mmioWrite(let address, let width, let value):
                let effect = memory.write(at: address, width: Int(width), value: value)
                if effect != .none, let reason = try perform([effect], &alarm) { return reason }
            case .mmioRead(let address, let width):
                let answer = memory.read(at: address, width: Int(width))
                vcpu.answerMMIORead(answer)
                if let trace { note(exit, in: trace, at: start, answer: answer) }
            case .interrupted:
                if let reason = try interruption(&alarm) { return reason }
            case .msrRead(let index): refuseMSR(index, isWrite: false)
            case .msrWrite(let index, _): refuseMSR(index, isWrite: true)
            case .endOfInterrupt(let vector): host.interrupts.ioAPIC?.endOfInterrupt(vector: vector)
            // Where there are interrupt controllers, HLT sleeps in the kernel and is no exit.
            case .halt:
                let registers = try kvm { () throws(KVMError) in try vcpu.registers() }
                return registers.rflags.contains(.interruptEnable) ? .sleeping : .halted
            case .shutdown: return .tripleFault(TripleFault(state: try snapshot()))
            case .interruptWindowOpen, .nonMaskableInterrupt: break
            default: return .guestError(GuestError(kind: GuestError.Kind(exit), state: try snapshot(exit)))
            }
            if let event = host.events.event { return StopReason(event) }
            if machine.control.hasEnded { return nil }
            if let reason = try tendOutput(&alarm, after: exit) { return reason }
            latencies?.record(kind, nanoseconds: MonotonicClock.now - start)
        }
    }

    /// A write to the port by which interrupt tables tell.
    private mutating func vector(_ access: PortAccess) throws(VMMError) -> StopReason? {
        if let bios = machine.bios { return try call(bios, access) }
        if let exception = try exception() { return .exception(exception) }
        _ = writePort(access, machine.ports)
        return nil
    }

    /// - Returns: what the writes ask for, without those that ask for nothing.
    mutating func writePort(_ access: PortAccess, _ ports: Bus) -> [BusEffect] {
        var effects: [BusEffect] = []
        vcpu.withPortData { data in
            Self.forEachElement(of: access, in: data.count) { offset, width in
                let value = Self.element(of: data, at: offset, width)
                let effect = ports.write(at: UInt64(access.port), width: width, value: value)
                if effect != .none { effects.append(effect) }
            }
        }
        return effects
    }

    private mutating func readPort(_ access: PortAccess, _ ports: Bus) {
        vcpu.withPortData { data in
            Self.forEachElement(of: access, in: data.count) { offset, width in
                let value = ports.read(at: UInt64(access.port), width: width)
                for byte in 0..<width { data[offset &+ byte] = UInt8(truncatingIfNeeded: value >> UInt64(byte &* 8)) }
            }
        }
    }

    /// An element of a port exit's data.
    static func element(of data: borrowing MutableSpan<UInt8>, at offset: Int, _ width: Int) -> UInt64 {
        var value: UInt64 = 0
        for byte in 0..<width { value |= UInt64(data[offset &+ byte]) << UInt64(byte &* 8) }
        return value
    }

    /// Calls `body` with the byte offset and width of each element of a port exit, as far as its data reaches.
    static func forEachElement(
        of access: PortAccess, in size: Int, _ body: (_ offset: Int, _ width: Int) -> Void
    ) {
        let width = Int(access.width)
        guard (1...8).contains(width), size >= width else { return }
        for offset in stride(from: 0, through: size &- width, by: width) { body(offset, width) }
    }

    /// The guest gets #GP, as on a processor without the register, and the report tells of it.
    private mutating func refuseMSR(_ index: UInt32, isWrite: Bool) {
        vcpu.refuseMSR()
        machine.countRefusedMSR(index, isWrite: isWrite)
    }

    /// Looks at everything that a kick may have been for.
    private mutating func interruption(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        if let reason = park() { return reason }
        if !machine.outputs.contains(where: { $0.pendingCount > 0 }) { alarm.lookLessOften() }
        if let reason = try flushOutput(&alarm) { return reason }
        if try isAsleepForEver() { return .halted }
        if !machine.host.coalescing.isActive { alarm.stopPolling() }
        try host { () throws(HostError) in try alarm.rest() }
        return nil
    }

    /// Where HLT sleeps in the kernel: whether nothing can wake any vCPU any more.
    private func isAsleepForEver() throws(VMMError) -> Bool {
        guard machine.host.interrupts.exist else { return false }
        let watch = machine.sleepWatch
        return try kvm { () throws(KVMError) in
            if watch.saw(vcpu: index, asleep: try vcpu.isAsleep()) { machine.control.kickAll() }
            guard watch.hasRound else { return false }
            return try watch.join(vcpu: index) { () throws(KVMError) in try vcpu.isAsleep() }
        }
    }
}

extension KVMVCPU {
    /// Whether it sleeps with interrupts off or was never started: only another vCPU can wake it.
    fileprivate func isAsleep() throws(KVMError) -> Bool {
        switch try activity() {
        case .halted where try registers().rflags.contains(.interruptEnable): return false
        // One that came just now has not woken it yet.
        case .halted: return try !hasNonMaskableInterrupt()
        case .waitingForStart: return true
        default: return false
        }
    }
}

extension StopReason {
    fileprivate init(_ event: MachineEvent) {
        switch event {
        case .exit(let status): self = .exited(status: status)
        case .reset(let cause): self = .reset(cause)
        case .powerOff: self = .poweredOff
        case .panic: self = .panicked
        }
    }
}

extension GuestError.Kind {
    fileprivate init(_ exit: VCPUExit) {
        switch exit {
        case .entryFailure(let reason, _): self = .entryFailure(reason: reason)
        // KVM_INTERNAL_ERROR_EMULATION
        case .internalError(suberror: 1, _): self = .emulationFailure
        case .internalError(let suberror, _): self = .internalError(suberror: suberror)
        default: self = .unexpectedExit("\(exit)")
        }
    }
}
