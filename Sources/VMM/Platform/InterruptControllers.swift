import DeviceModel
import KVM

/// Which interrupt controllers and timers a machine has.
public enum InterruptControllers: String, CaseIterable, Sendable {
    /// What the machine needs: none for flat images and ELF executables, full for several vCPUs.
    case auto
    /// None: HLT ends the run, the natural end of a tiny guest.
    case none
    /// A PC's, in the kernel: two PICs, an I/O APIC, a local APIC for each vCPU, and the timer (8254). HLT sleeps.
    case full
}

extension KVMInterruptLine: InterruptLine {}
