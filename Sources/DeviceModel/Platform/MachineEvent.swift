/// What a guest asked of the whole machine.
public enum MachineEvent: Equatable, Sendable {
    /// End the run with this status.
    case exit(status: UInt8)
    /// Reset the machine.
    case reset(ResetCause)
    /// Switch the machine off.
    case powerOff
}
