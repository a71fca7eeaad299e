import CKVM
import Glibc
import SystemPackage

/// The vCPU's state between runs. Every call throws `KVMError.call` when KVM refuses it; a state that KVM takes may still
/// be one that the processor refuses to enter.
extension KVMVCPU {
    public func registers() throws(KVMError) -> GeneralRegisters {
        var c = kvm_regs()
        try descriptor.control(CKVM_GET_REGS, &c, "read the general registers")
        return GeneralRegisters(c)
    }

    public func setRegisters(_ registers: GeneralRegisters) throws(KVMError) {
        var c = registers.c
        try descriptor.control(CKVM_SET_REGS, &c, "set the general registers")
    }

    public func specialRegisters() throws(KVMError) -> SpecialRegisters {
        var c = kvm_sregs()
        try descriptor.control(CKVM_GET_SREGS, &c, "read the special registers")
        return SpecialRegisters(c)
    }

    public func setSpecialRegisters(_ registers: SpecialRegisters) throws(KVMError) {
        var c = registers.c
        try descriptor.control(CKVM_SET_SREGS, &c, "set the special registers")
    }

    public func floatingPointState() throws(KVMError) -> FloatingPointState {
        var c = kvm_fpu()
        try descriptor.control(CKVM_GET_FPU, &c, "read the floating-point state")
        return FloatingPointState(c)
    }

    public func setFloatingPointState(_ state: FloatingPointState) throws(KVMError) {
        var c = state.c
        try descriptor.control(CKVM_SET_FPU, &c, "set the floating-point state")
    }

    /// Reads the registers with the given numbers. One that KVM does not know is an error that names it.
    public func modelSpecificRegisters(_ indices: [UInt32]) throws(KVMError) -> [ModelSpecificRegister] {
        let entries = indices.map { kvm_msr_entry(index: $0, reserved: 0, data: 0) }
        let answer = try msrs(CKVM_GET_MSRS, entries, "read")
        return answer.map { ModelSpecificRegister(index: $0.index, value: $0.data) }
    }

    /// Sets registers in the given order. One that KVM refuses is an error that names it; those before it are set.
    public func setModelSpecificRegisters(_ registers: [ModelSpecificRegister]) throws(KVMError) {
        let entries = registers.map { kvm_msr_entry(index: $0.index, reserved: 0, data: $0.value) }
        _ = try msrs(CKVM_SET_MSRS, entries, "set")
    }

    private func msrs(_ request: UInt, _ entries: [kvm_msr_entry], _ verb: String) throws(KVMError) -> [kvm_msr_entry] {
        let answer = try descriptor.control(request, entries, "\(verb) model-specific registers")
        // KVM stops at the first that it refuses, and tells how many it did (Linux api.rst sections 4.18 and 4.19).
        guard answer.result == entries.count else {
            let refused = String(entries[answer.result].index, radix: 16)
            throw .call("\(verb) model-specific register 0x\(refused)", .invalidArgument)
        }
        return answer.entries
    }

    /// What the guest's CPUID instruction answers. Set before the first run.
    public func setCPUID(_ cpuid: CPUID) throws(KVMError) {
        _ = try descriptor.control(CKVM_SET_CPUID2, cpuid.leaves.map(\.c), "set the CPUID")
    }

    /// The guest-physical address behind a linear one, through the vCPU's page tables; nil where none is mapped
    /// (`KVM_TRANSLATE`, Linux api.rst section 4.17).
    public func physicalAddress(ofLinear address: UInt64) throws(KVMError) -> UInt64? {
        var c = kvm_translation()
        c.linear_address = address
        try descriptor.control(CKVM_TRANSLATE, &c, "translate a linear address")
        return c.valid != 0 ? c.physical_address : nil
    }

    /// Whether each instruction of the guest is a `.debug` exit (`KVM_SET_GUEST_DEBUG`, Linux api.rst section 4.87).
    public func setSingleStep(_ isOn: Bool) throws(KVMError) {
        var c = kvm_guest_debug()
        if isOn { c.control = UInt32(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP) }
        try descriptor.control(CKVM_SET_GUEST_DEBUG, &c, "set guest debugging")
    }

    /// Whether the vCPU runs, sleeps or waits to be started, where interrupt controllers are in the kernel
    /// (`KVM_GET_MP_STATE`, Linux api.rst section 4.38).
    public func activity() throws(KVMError) -> VCPUActivity {
        var c = kvm_mp_state()
        try descriptor.control(CKVM_GET_MP_STATE, &c, "read the vCPU's activity")
        return VCPUActivity(c)
    }

    /// Whether an interrupt that cannot be turned off waits for the vCPU, or is being delivered (`KVM_GET_VCPU_EVENTS`, Linux
    /// api.rst section 4.31).
    public func hasNonMaskableInterrupt() throws(KVMError) -> Bool {
        var c = kvm_vcpu_events()
        try descriptor.control(CKVM_GET_VCPU_EVENTS, &c, "read the vCPU's events")
        return c.nmi.pending != 0 || c.nmi.injected != 0
    }
}

/// What a vCPU does while it is not running instructions (Linux api.rst section 4.38).
public enum VCPUActivity: Equatable, Sendable {
    case runnable
    /// It sleeps in HLT.
    case halted
    /// It was never started, or waits for its start-up message.
    case waitingForStart
    case other(UInt32)

    init(_ c: kvm_mp_state) {
        switch Int32(truncatingIfNeeded: c.mp_state) {
        case KVM_MP_STATE_RUNNABLE: self = .runnable
        case KVM_MP_STATE_HALTED: self = .halted
        case KVM_MP_STATE_UNINITIALIZED, KVM_MP_STATE_INIT_RECEIVED: self = .waitingForStart
        default: self = .other(c.mp_state)
        }
    }
}
