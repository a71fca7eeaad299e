/// Why the guest stopped running: plain values, decoded from `kvm_run` (Linux api.rst section 5).
public enum VCPUExit: Equatable, Sendable {
    /// An IN or INS. The answer goes into ``KVMVCPU/withPortData(_:)``.
    case portRead(PortAccess)
    /// An OUT or OUTS. The data is in ``KVMVCPU/withPortData(_:)``.
    case portWrite(PortAccess)
    /// A read of guest-physical memory that is not RAM, of `width` bytes (1 to 8). The answer goes to
    /// ``KVMVCPU/answerMMIORead(_:)``.
    case mmioRead(address: UInt64, width: UInt8)
    /// A write to guest-physical memory that is not RAM.
    case mmioWrite(address: UInt64, width: UInt8, value: UInt64)
    /// HLT, where no interrupt controller is in the kernel.
    case halt
    /// A triple fault.
    case shutdown
    /// A kick or another signal ended the run.
    case interrupted
    /// The processor refused the guest's state. The reason is the hardware's own number.
    case entryFailure(reason: UInt64, cpu: UInt32)
    /// KVM gave up. With sub-error 1, its emulator lacks the instruction, whose bytes follow where the kernel gives them.
    case internalError(suberror: UInt32, instruction: InstructionBytes)
    /// A local APIC ended a level-triggered interrupt that was to be told (``KVMInterruptMessages/tellEnds(of:)``).
    case endOfInterrupt(vector: UInt8)
    /// The guest asked a device inside the kernel to end the machine, by KVM's number (`KVM_SYSTEM_EVENT_…`).
    case systemEvent(type: UInt32)
    /// A breakpoint or a step of guest debugging.
    case debug(exception: UInt32, instructionAddress: UInt64)
    /// The guest can take an interrupt now.
    case interruptWindowOpen
    case nonMaskableInterrupt
    /// An exit of the processor that KVM does not know, by the hardware's number.
    case unknownHardware(reason: UInt64)
    /// An exit that this library does not know, by KVM's number (`KVM_EXIT_…`).
    case unknown(reason: UInt32)
}
