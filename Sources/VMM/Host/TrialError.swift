import KVM

/// A trial's guest left in a way that no known host makes it leave.
struct TrialError: Error, CustomStringConvertible {
    let exit: VCPUExit

    var description: String { "the trial ended in another way than it should: \(exit)" }
}
