import KVM

/// How a guest is entered, and what the entry depends on. It decides the first state of the vCPU, the interrupt controllers that the guest
/// gets unless told otherwise, and which tables are written.
public enum BootProtocol: Equatable, Sendable {
    /// Like a boot sector: 16-bit code in segment 0.
    case realMode(entry: UInt16)
    /// 32-bit code with flat segments and no paging.
    case protectedMode(entry: UInt32)
    /// 64-bit code with the first 4 GiB mapped to themselves, by Linux's 64-bit boot protocol.
    case longMode(entry: UInt64)
    /// A Linux kernel, by its own protocol.
    case linux(LinuxKernel)

    init(_ mode: CPUMode, entry: UInt64) {
        self =
            switch mode {
            case .real: .realMode(entry: UInt16(truncatingIfNeeded: entry))
            case .protected: .protectedMode(entry: UInt32(truncatingIfNeeded: entry))
            case .long: .longMode(entry: entry)
            }
    }

    /// For a Linux kernel that is an ELF file.
    static func vmlinux(_ mode: CPUMode, entry: UInt64) -> BootProtocol {
        .linux(LinuxKernel(vmlinux: entry, is64Bit: mode == .long))
    }

    /// The mode that the guest is entered in.
    public var mode: CPUMode {
        switch self {
        case .realMode: .real
        case .protectedMode: .protected
        case .longMode: .long
        case .linux(let kernel): kernel.is64Bit ? .long : .protected
        }
    }

    /// Guest-physical address of the first instruction.
    public var entry: UInt64 {
        switch self {
        case .realMode(let entry): UInt64(entry)
        case .protectedMode(let entry): UInt64(entry)
        case .longMode(let entry): entry
        case .linux(let kernel): kernel.entry
        }
    }

    /// The vCPU's registers at the first instruction.
    public var entryState: CPUState {
        switch self {
        case .realMode(let entry): return .real(entry: entry)
        case .protectedMode(let entry): return .protected(entry: entry)
        case .longMode(let entry): return .long(entry: entry, bootParameters: LowMemory.bootParameters)
        case .linux(let kernel) where kernel.is64Bit:
            return .long(entry: kernel.entry, bootParameters: LowMemory.bootParameters)
        case .linux(let kernel):
            // EBP, EDI and EBX are zero (boot.rst, "32-bit Boot Protocol").
            var state = CPUState.protected(entry: UInt32(truncatingIfNeeded: kernel.entry))
            state.registers.rsi = LowMemory.bootParameters
            return state
        }
    }

    /// What a machine with so many vCPUs has where nobody asks for anything else. Who starts others looks for a PC's timer, and so does
    /// an operating system.
    func interruptControllers(vcpuCount: Int) -> InterruptControllers {
        if case .linux = self { return .full }
        return vcpuCount > 1 ? .full : .none
    }

    /// How modules are placed; nil where the protocol hands none over.
    var modulePlacement: FreeMemory.Placement? {
        switch self {
        case .linux(let kernel): .highest(below: kernel.initrdEnd)
        case .realMode, .protectedMode, .longMode: nil
        }
    }

    /// How many modules a guest can be given.
    var moduleLimit: Int {
        switch self {
        case .linux: 1
        case .realMode, .protectedMode, .longMode: 0
        }
    }
}
