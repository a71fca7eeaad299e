/// What a host did with a state, as it was measured.
enum EntryHostAnswer: String, Sendable {
    /// The guest halted as if nothing were wrong.
    case ok = "ok"
    /// VT-x: invalid guest state.
    case guestState = "entry fails 0x80000021"
    /// VT-x: invalid control field.
    case controlField = "entry fails 0x7"
    /// AMD-V: VMEXIT_INVALID.
    case invalid = "entry fails 0xffffffff"
    case tripleFault = "triple fault"
    case neverEnds = "never ends"
    /// KVM_SET_SREGS.
    case refused = "refused at set (EINVAL)"
}
