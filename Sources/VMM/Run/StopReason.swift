import DeviceModel
import KVM

/// Why a run ended. All of these are outcomes of the guest or of a request; a failure of the host is thrown.
public enum StopReason: Equatable, Sendable {
    /// HLT, with nothing that could wake it.
    case halted
    /// The same with interrupts on: the guest waits for one, and its machine has nothing that could interrupt.
    case sleeping
    /// The guest wrote to an exit port.
    case exited(status: UInt8)
    case reset(ResetCause)
    case poweredOff
    /// The guest told that its kernel has panicked.
    case panicked
    /// An exception or an interrupt that the guest has no handler for.
    case exception(GuestException)
    /// A fault while the processor handled a double fault.
    case tripleFault(TripleFault)
    /// The configured time is over.
    case deadline
    /// A signal of the process that the program chose to catch.
    case signal(Int32)
    /// ``MachineControl/stop()``.
    case stopped
    /// The guest cannot go on.
    case guestError(GuestError)
}

extension StopReason: CustomStringConvertible {
    /// One line for people: how the run ended, and behind a semicolon, where there is one, the remedy.
    public var description: String {
        switch self {
        case .halted: "the guest halted"
        case .sleeping:
            "the guest sleeps with interrupts on, and nothing in this machine can interrupt it; give it interrupt controllers, or turn interrupts off before the last HLT"
        case .exited(let status): "the guest ended with status \(status)"
        case .reset(let cause): "the guest reset the machine (\(cause))"
        case .poweredOff: "the guest powered the machine off"
        case .panicked: "the guest's kernel panicked, as it told by the panic port"
        case .exception(let exception): exception.description
        case .tripleFault(let fault): fault.description
        case .deadline: "the deadline passed before the guest ended"
        case .signal(let number): "ended by signal \(number)"
        case .stopped: "the run was stopped"
        case .guestError(let error): error.description
        }
    }

    /// A vCPU's as its guest failed on it; nil where it did not fail.
    public var state: CPUSnapshot? {
        switch self {
        case .exception(let exception): exception.state
        case .tripleFault(let fault): fault.state
        case .guestError(let error): error.state
        default: nil
        }
    }
}

/// Why a guest cannot go on, with the vCPU's state.
public struct GuestError: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// The processor refused the guest's state; the reason is the hardware's own number.
        case entryFailure(reason: UInt64)
        /// The host's emulator lacks the instruction, or the guest ran where there is no memory.
        case emulationFailure
        /// Another of KVM's internal errors (`KVM_INTERNAL_ERROR_…`).
        case internalError(suberror: UInt32)
        /// An exit that this program does not handle, as KVM names or numbers it.
        case unexpectedExit(String)
    }

    public let kind: Kind
    public internal(set) var state: CPUSnapshot
}

extension GuestError: CustomStringConvertible {
    /// One line: what happened, and what can be done.
    public var description: String {
        switch kind {
        case .entryFailure(let reason):
            "the processor refused to enter the guest: hardware reason \(hex(reason))\(state.entryHint)"
        case .emulationFailure:
            "KVM cannot emulate the instruction at \(hex(state.instructionAddress))\(state.emulationHint)"
        case .internalError(let suberror): "KVM gave up with internal error \(suberror)"
        case .unexpectedExit(let exit): "the guest caused an exit that is not handled: \(exit)"
        }
    }
}
