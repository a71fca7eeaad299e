import CKVM

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
