import DeviceModel
import KVM

/// The vCPU's state, for people.
extension VCPURunner {
    /// Words of the stack that are worth showing.
    private static let stackDepth = 6

    /// The vCPU as it stands between two runs.
    func snapshot(_ exit: VCPUExit? = nil) throws(VMMError) -> CPUSnapshot {
        try kvm { () throws(KVMError) in
            var snapshot = try snapshot(registers: vcpu.registers(), special: vcpu.specialRegisters())
            if case .internalError(_, let instruction) = exit, instruction.count > 0 {
                snapshot.instruction = instruction
            }
            return snapshot
        }
    }

    /// What came to one of the gates that the guest began with; nil where the exit has another cause.
    func exception() throws(VMMError) -> GuestException? {
        try kvm { () throws(KVMError) in
            guard !machine.gates.isEmpty else { return nil }
            let special = try vcpu.specialRegisters()
            let registers = try vcpu.registers()
            let here = CPUSnapshot(registers: registers, special: special)
            return if let vector = vector(at: here) { try exception(vector, here) } else { nil }
        }
    }

    /// Whose gate a state is in, if it is in one.
    private func vector(at here: CPUSnapshot) -> UInt8? {
        machine.gates.lazy.compactMap { $0.vector(at: here.instructionAddress) }.first
    }

    /// What came to a vector's gate. Where the vCPU was at a gate already, as on a host that delivers one interrupt twice or a fault right
    /// behind it (QEMU's AMD-V now and then), what led it there came first, and tells where the guest was.
    func exception(_ vector: UInt8, _ here: CPUSnapshot) throws(KVMError) -> GuestException {
        let last = try delivered(vector, here)
        guard let first = self.vector(at: last.state) else { return last }
        return try delivered(first, last.state)
    }

    /// Undoes what the processor did to deliver an exception (Intel SDM vol. 3A sections 7.12.1, 7.14.2 and 21.1.4), as far as its stack
    /// can be read.
    private func delivered(_ vector: UInt8, _ here: CPUSnapshot) throws(KVMError) -> GuestException {
        var (registers, special) = (here.registers, here.special)
        let mode = here.mode
        // What the gates are made for, whatever the code segment is that they lead to.
        let width: UInt64 = mode == .real ? 2 : mode == .protected ? 4 : 8
        var code = mode != .real && GuestException.hasErrorCode(vector)
        let frame = try words(5 + (code ? 1 : 0), of: width, at: here.stackAddress)
        // A double fault's code is 0, in real mode it has none.
        let isTick =
            machine.followsBIOS && vector == BIOSInterrupts.master.firstVector
            && (mode == .real || frame.first.map { $0 != 0 } ?? false)
        if isTick { code = false }
        let rest = frame.dropFirst(code ? 1 : 0).prefix(5)
        if rest.count >= 3 {
            let selector = UInt16(truncatingIfNeeded: rest[rest.startIndex + 1])
            let isInner = mode == .long || (selector ^ special.cs.selector) & 3 != 0
            registers.rip = rest[rest.startIndex]
            registers.rflags = Flags(rawValue: rest[rest.startIndex + 2])
            if isInner, rest.count == 5 {
                registers.rsp = rest[rest.startIndex + 3]
                special.ss.selector = UInt16(truncatingIfNeeded: rest[rest.startIndex + 4])
            } else {
                registers.rsp &+= width * (code ? 4 : 3)
            }
            special.cs.selector = selector
            if mode == .real { special.cs.base = UInt64(selector) << 4 }
        }
        let state = try snapshot(registers: registers, special: special)
        var exception = GuestException(
            vector: vector, errorCode: code ? frame.first.map { UInt32(truncatingIfNeeded: $0) } : nil,
            isCall: mode == .real ? try isCall(vector, before: state.instructionAddress) : false, state: state)
        exception.isTick = isTick && !exception.isCall
        return exception
    }

    /// Whether `INT vector` stands before a linear address.
    private func isCall(_ vector: UInt8, before address: UInt64) throws(KVMError) -> Bool {
        try bytes(2, at: address &- 2) == [0xCD, vector]
    }

    private func snapshot(
        registers: GeneralRegisters, special: SpecialRegisters
    ) throws(KVMError) -> CPUSnapshot {
        var snapshot = CPUSnapshot(registers: registers, special: special)
        let address = snapshot.instructionAddress
        // Up to the end of its page: what is behind it is seldom part of the same instruction.
        snapshot.instruction = InstructionBytes(try bytes(min(15, 0x1000 - Int(address & 0xFFF)), at: address))
        snapshot.stack = try words(Self.stackDepth, of: snapshot.wordSize, at: snapshot.stackAddress)
        return snapshot
    }

    /// Words of so many bytes each from a linear address on, as many as can be read.
    private func words(_ count: Int, of width: UInt64, at address: UInt64) throws(KVMError) -> [UInt64] {
        let size = Int(width)
        let found = try bytes(count * size, at: address)
        return stride(from: 0, through: found.count - size, by: size).map { start in
            found[start..<start + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// What stands in RAM from a linear address on, as far as there is RAM and it is mapped.
    private func bytes(_ count: Int, at address: UInt64) throws(KVMError) -> [UInt8] {
        var bytes: [UInt8] = []
        var page: UInt64?
        for offset in 0..<UInt64(count) {
            let linear = address &+ offset
            if page == nil || linear & 0xFFF == 0 {
                page = try vcpu.physicalAddress(ofLinear: linear).map { $0 & ~0xFFF }
            }
            guard let page,
                let byte = try? machine.host.memory.load(UInt8.self, at: GuestAddress(page | linear & 0xFFF))
            else { break }
            bytes.append(byte)
        }
        return bytes
    }
}
