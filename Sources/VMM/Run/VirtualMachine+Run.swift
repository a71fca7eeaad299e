import DeviceModel
import KVM

extension VirtualMachine {
    /// Runs the guest until it ends, fails, or is stopped. All output that the guest made is written by then, unless its
    /// reader takes nothing and the run was stopped; ``RunReport/unwrittenBytes`` tells.
    ///
    /// - Throws: `VMMError.kvm`, or `.output` when a console's output cannot be written.
    public mutating func run() throws(VMMError) -> StopReason {
        let start = (wall: MonotonicClock.now, cpu: MonotonicClock.threadTime)
        defer {
            stopWatchingInput()
            wallNanoseconds = MonotonicClock.now - start.wall
            cpuNanoseconds = MonotonicClock.threadTime - start.cpu
        }
        var alarm = try kvm { () throws(KVMError) in
            var alarm = try RunAlarm(timeout: configuration.timeout, watches: hasInterruptControllers)
            try alarm.rest()
            return alarm
        }
        let reason: StopReason
        do throws(VMMError) {
            reason = try runLoop(&alarm)
        } catch {
            // What the guest said before the host failed is worth having.
            _ = outputs.flush { idle in idle > Self.lastPatience }
            throw error
        }
        return try finish(reason, alarm)
    }

    /// How long a reader that takes nothing may hold up the end of a run that was stopped, in nanoseconds.
    private static var lastPatience: Int64 { 200_000_000 }

    private mutating func runLoop(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason {
        while true {
            let exit: VCPUExit
            do throws(KVMError) { exit = try vcpu.run() } catch { throw .kvm(error) }
            tally.count(exit)
            drainCoalescedWrites()
            switch exit {
            case .portWrite(let access):
                writePort(access)
                if Platform.serialPorts.contains(access.port) { try serialPortWritten(access, &alarm) }
            case .portRead(let access): readPort(access)
            case .mmioWrite(let address, let width, let value):
                platform.mmio.write(at: address, width: Int(width), value: value)
            case .mmioRead(let address, let width):
                vcpu.answerMMIORead(platform.mmio.read(at: address, width: Int(width)))
            case .interrupted:
                if let reason = try interruption(&alarm) { return reason }
            case .halt: return .halted
            case .shutdown: return .tripleFault(try snapshot())
            case .interruptWindowOpen, .nonMaskableInterrupt: break
            default: return .guestError(GuestError(kind: GuestError.Kind(exit), state: try snapshot(exit)))
            }
            if let event = platform.events.event { return StopReason(event) }
            if let reason = try tendOutput(&alarm) { return reason }
        }
    }

    private mutating func writePort(_ access: PortAccess) {
        let ports = platform.ports
        vcpu.withPortData { data in
            Self.forEachElement(of: access, in: data.count) { offset, width in
                var value: UInt64 = 0
                for byte in 0..<width { value |= UInt64(data[offset &+ byte]) << UInt64(byte &* 8) }
                ports.write(at: UInt64(access.port), width: width, value: value)
            }
        }
    }

    private mutating func readPort(_ access: PortAccess) {
        let ports = platform.ports
        vcpu.withPortData { data in
            Self.forEachElement(of: access, in: data.count) { offset, width in
                let value = ports.read(at: UInt64(access.port), width: width)
                for byte in 0..<width { data[offset &+ byte] = UInt8(truncatingIfNeeded: value >> UInt64(byte &* 8)) }
            }
        }
    }

    /// Calls `body` with the byte offset and width of each element of a port exit, as far as its data reaches.
    private static func forEachElement(
        of access: PortAccess, in size: Int, _ body: (_ offset: Int, _ width: Int) -> Void
    ) {
        let width = Int(access.width)
        guard (1...8).contains(width), size >= width else { return }
        for offset in stride(from: 0, through: size &- width, by: width) { body(offset, width) }
    }

    /// Looks at everything that a kick may have been for.
    private mutating func interruption(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        if let reason = requestedStop(alarm) { return reason }
        if let reason = try flushOutput(alarm) { return reason }
        if try isHaltedForEver() { return .halted }
        do throws(KVMError) { try alarm.rest() } catch { throw .kvm(error) }
        return nil
    }

    /// Where HLT sleeps in the kernel: whether nothing can wake the vCPU any more.
    private func isHaltedForEver() throws(VMMError) -> Bool {
        guard hasInterruptControllers else { return false }
        return try kvm { () throws(KVMError) in
            guard try vcpu.activity() == .halted else { return false }
            return try !vcpu.registers().rflags.contains(.interruptEnable)
        }
    }

    private func requestedStop(_ alarm: borrowing RunAlarm) -> StopReason? {
        if stopHandle.isRequested { return .stopped }
        if let signal = StopSignals.caught { return .signal(signal) }
        return alarm.isOver ? .deadline : nil
    }

    /// Sees to it that output is written soon: at once where much waits, else by the timer.
    private mutating func tendOutput(_ alarm: inout RunAlarm) throws(VMMError) -> StopReason? {
        let pending = outputs.pendingCount
        if pending >= ConsoleOutput.capacity { return try flushOutput(alarm) }
        if pending > 0, !alarm.isSetForOutput {
            do throws(KVMError) { try alarm.setForOutput() } catch { throw .kvm(error) }
        }
        return nil
    }

    /// Writes what waits, as long as no stop is asked for.
    private func flushOutput(_ alarm: borrowing RunAlarm) throws(VMMError) -> StopReason? {
        var reason: StopReason?
        let result = outputs.flush { _ in
            reason = requestedStop(alarm)
            return reason != nil
        }
        if case .failed(let error) = result { throw .output(error) }
        return reason
    }

    /// Writes the rest of the output. A guest that ended by itself waits for its reader until someone stops it; after a
    /// stop, a reader that takes nothing holds up the end only for a moment.
    private func finish(_ reason: StopReason, _ alarm: borrowing RunAlarm) throws(VMMError) -> StopReason {
        var reason = reason
        if !reason.isRequest, let request = try flushOutput(alarm) { reason = request }
        let result = outputs.flush { idle in idle > Self.lastPatience }
        if case .failed(let error) = result { throw .output(error) }
        return reason
    }

    private func snapshot(_ exit: VCPUExit? = nil) throws(VMMError) -> CPUSnapshot {
        try kvm { () throws(KVMError) in
            let registers = try vcpu.registers()
            let special = try vcpu.specialRegisters()
            var snapshot = CPUSnapshot(registers: registers, special: special, instruction: InstructionBytes([]))
            if case .internalError(_, let instruction) = exit, instruction.count > 0 {
                snapshot.instruction = instruction
            } else {
                snapshot.instruction = try instructionBytes(at: snapshot.instructionAddress)
            }
            return snapshot
        }
    }

    /// What stands in RAM at a linear address, up to the end of its page.
    private func instructionBytes(at linear: UInt64) throws(KVMError) -> InstructionBytes {
        guard let start = try vcpu.physicalAddress(ofLinear: linear) else { return InstructionBytes([]) }
        var bytes: [UInt8] = []
        for offset in 0..<min(15, 0x1000 - start & 0xFFF) {
            guard let address = GuestAddress(start).adding(offset),
                let byte = try? memory.load(UInt8.self, at: address)
            else { break }
            bytes.append(byte)
        }
        return InstructionBytes(bytes)
    }
}

extension StopReason {
    fileprivate init(_ event: MachineEvent) {
        switch event {
        case .exit(let status): self = .exited(status: status)
        case .reset(let cause): self = .reset(cause)
        case .powerOff: self = .poweredOff
        }
    }

    /// Whether someone ended the run from outside.
    fileprivate var isRequest: Bool {
        switch self {
        case .deadline, .signal, .stopped: true
        default: false
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
