import DeviceModel

/// Why a run ended. All of these are outcomes of the guest or of a request; a failure of the host is thrown.
public enum StopReason: Equatable, Sendable {
    /// HLT, with nothing that could wake it.
    case halted
    /// The guest wrote to an exit port.
    case exited(status: UInt8)
    case reset(ResetCause)
    case poweredOff
    /// A fault while the processor handled a double fault.
    case tripleFault(CPUSnapshot)
    /// The configured time is over.
    case deadline
    /// A signal of the process that the program chose to catch.
    case signal(Int32)
    /// ``StopHandle/stop()``.
    case stopped
    /// The guest cannot go on.
    case guestError(GuestError)
}
