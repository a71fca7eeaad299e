import DeviceModel
import KVM

/// Calls of the BIOS, each a write to a port of ours.
extension VCPURunner {
    /// Where the flags are that IRET brings back, from the stack pointer on, in bytes.
    private static var flagsOffset: UInt16 { 4 }

    private enum Answer {
        /// The write was somebody else's.
        case notOurs
        case goesOn
        case ends(StopReason)
    }

    /// Serves a call, if the write to the port is one.
    mutating func call(_ bios: MachineBIOS, _ access: PortAccess) throws(VMMError) -> StopReason? {
        // Before the exit is finished: its data are gone then.
        let values = elements(access)
        switch try answer(bios) {
        case .goesOn: break
        case .ends(let reason): return reason
        case .notOurs:
            for value in values {
                machine.ports.write(at: UInt64(access.port), width: Int(access.width), value: value)
            }
        }
        return nil
    }

    private mutating func answer(_ bios: MachineBIOS) throws(VMMError) -> Answer {
        do throws(KVMError) {
            try vcpu.finishExit()
            let special = try vcpu.specialRegisters()
            let general = try vcpu.registers()
            // By the linear address: programs jump to FFFF:0000.
            let offset = special.cs.base &+ general.rip &- LowMemory.biosSegment
            guard !special.cr0.contains(.protectionEnable), let offset = UInt16(exactly: offset),
                let call = bios.code.call(before: offset)
            else { return .notOurs }
            return try answer(call, bios, general, special)
        } catch {
            throw .kvm(error)
        }
    }

    private func answer(
        _ call: BIOSCode.Call, _ bios: MachineBIOS, _ general: GeneralRegisters, _ special: SpecialRegisters
    ) throws(KVMError) -> Answer {
        let stack = UInt16(truncatingIfNeeded: general.rsp) &+ Self.flagsOffset
        let flags = GuestAddress(special.ss.base &+ UInt64(stack))
        let memory = machine.host.memory
        var registers = BIOSRegisters(general, special)
        registers.flags = (try? memory.load(UInt16.self, at: flags)) ?? 0
        let before = registers
        var changed = general
        switch bios.perform(call, &registers) {
        case .done:
            if call != .start, registers.flags != before.flags { try? memory.store(registers.flags, at: flags) }
            changed.set(registers)
        case .waitsForKey: changed.rip = UInt64(BIOSCode.wayToKeyWait)
        case .waitsForTime: changed.rip = UInt64(BIOSCode.wayToTimeWait)
        case .reset: return .ends(.reset(.bios))
        case .powerOff: return .ends(.poweredOff)
        case .absent:
            guard case .interrupt(let vector) = call else { return .goesOn }
            let here = CPUSnapshot(registers: general, special: special)
            var exception = try exception(vector, here)
            exception.hasBIOS = true
            return .ends(.exception(exception))
        }
        if changed != general { try vcpu.setRegisters(changed) }
        if registers.ds != before.ds || registers.es != before.es {
            var changed = special
            changed.ds.setRealMode(registers.ds)
            changed.es.setRealMode(registers.es)
            try vcpu.setSpecialRegisters(changed)
        }
        return .goesOn
    }

    private mutating func elements(_ access: PortAccess) -> [UInt64] {
        vcpu.withPortData { data in
            var values: [UInt64] = []
            Self.forEachElement(of: access, in: data.count) { offset, width in
                values.append(Self.element(of: data, at: offset, width))
            }
            return values
        }
    }
}

extension BIOSRegisters {
    fileprivate init(_ general: GeneralRegisters, _ special: SpecialRegisters) {
        self.init()
        eax = UInt32(truncatingIfNeeded: general.rax)
        ebx = UInt32(truncatingIfNeeded: general.rbx)
        ecx = UInt32(truncatingIfNeeded: general.rcx)
        edx = UInt32(truncatingIfNeeded: general.rdx)
        esi = UInt32(truncatingIfNeeded: general.rsi)
        edi = UInt32(truncatingIfNeeded: general.rdi)
        ebp = UInt32(truncatingIfNeeded: general.rbp)
        ds = special.ds.selector
        es = special.es.selector
    }
}

extension GeneralRegisters {
    fileprivate mutating func set(_ registers: BIOSRegisters) {
        (rax, rbx, rcx, rdx) = (
            UInt64(registers.eax), UInt64(registers.ebx), UInt64(registers.ecx), UInt64(registers.edx)
        )
        (rsi, rdi, rbp) = (UInt64(registers.esi), UInt64(registers.edi), UInt64(registers.ebp))
    }
}

extension Segment {
    /// As MOV to a segment register does in real mode: the limit stays.
    fileprivate mutating func setRealMode(_ value: UInt16) {
        selector = value
        base = UInt64(value) << 4
    }
}
