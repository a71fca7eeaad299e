/// Whose rule a state breaks.
public enum EntryAuthority: String, CaseIterable, Sendable {
    /// Intel's, on VM entry.
    case vtx = "VT-x"
    /// AMD's, on VMRUN.
    case amdv = "AMD-V"
    /// Both of the above.
    case both = "VT-x and AMD-V"
    /// Every processor's, so that KVM refuses such a state or drops a part of it before there is an entry.
    case architecture = "x86"
}
