import CLinuxHost

/// What the processor tells of the system.
public enum Processor {
    /// Whether it says that a hypervisor is beneath: bit 31 of CPUID leaf 1's ECX, which real hardware has at 0 (Intel SDM vol. 2A,
    /// CPUID; AMD APM vol. 3, appendix E).
    public static var hasHypervisor: Bool { clinux_is_nested() != 0 }
}
