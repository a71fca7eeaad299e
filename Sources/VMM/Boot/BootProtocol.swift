import DeviceModel
import KVM

/// How a guest is entered, and what the entry depends on. It decides the first state of the vCPU, the interrupt controllers that the guest
/// gets unless told otherwise, and which tables are written.
public enum BootProtocol: Equatable, Sendable {
    /// Like a boot sector: 16-bit code, usually in segment 0.
    case realMode(segment: UInt16, offset: UInt16)
    /// By a PC's BIOS: 16-bit code at 0000:7C00 with its services, and the number by which they have the disk that it is from.
    case bootSector(drive: UInt8)
    /// 32-bit code with flat segments and no paging.
    case protectedMode(entry: UInt32)
    /// 64-bit code with the first 4 GiB mapped to themselves, by Linux's 64-bit boot protocol.
    case longMode(entry: UInt64)
    /// A Linux kernel, by its own protocol.
    case linux(LinuxKernel)
    /// A kernel with a Multiboot header, of the first or the second version: 32-bit code, and a structure that tells it what there is.
    case multiboot1(MultibootKernel)
    case multiboot2(MultibootKernel)
    /// A kernel with Xen's entry for hardware virtual machines (Xen, docs/misc/pvh.pandoc): the same with another structure.
    case pvh(entry: UInt32)

    init(_ mode: CPUMode, entry: UInt64) {
        self =
            switch mode {
            case .real: .realMode(segment: 0, offset: UInt16(truncatingIfNeeded: entry))
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
        case .realMode, .bootSector: .real
        case .protectedMode: .protected
        case .longMode: .long
        case .linux(let kernel): kernel.is64Bit ? .long : .protected
        case .multiboot1, .multiboot2, .pvh: .protected
        }
    }

    /// Whether the guest will soon touch most of its memory, so that large pages behind it are worth the time to clear them.
    var wantsHugePages: Bool { if case .linux = self { true } else { false } }

    /// Whether the guest is given the machine's command line.
    public var takesCommandLine: Bool {
        switch self {
        case .realMode, .bootSector, .protectedMode: false
        default: true
        }
    }

    /// Whether the guest calls services of a PC's BIOS.
    var hasBIOS: Bool { if case .bootSector = self { true } else { false } }

    /// Whether the guest begins where a loader on a PC has loaded it, after a BIOS: it may go on with what that has set up. A boot sector's
    /// does so itself, and Linux begins anew.
    var followsBIOS: Bool {
        switch self {
        case .multiboot1, .multiboot2, .pvh: true
        case .realMode, .bootSector, .protectedMode, .longMode, .linux: false
        }
    }

    /// Guest-physical address of the image's first instruction.
    public var entry: UInt64 {
        switch self {
        case .realMode(let segment, let offset): UInt64(segment) << 4 + UInt64(offset)
        case .bootSector: LowMemory.realModeImage
        case .protectedMode(let entry): UInt64(entry)
        case .longMode(let entry): entry
        case .linux(let kernel): kernel.entry
        case .multiboot1(let kernel), .multiboot2(let kernel): UInt64(kernel.entry)
        case .pvh(let entry): UInt64(entry)
        }
    }

    /// The guest-physical addresses where nothing of the image can be.
    var tables: Range<UInt64> {
        switch self {
        case .realMode, .protectedMode, .longMode, .linux: 0..<LowMemory.tablesEnd
        case .bootSector: LowMemory.biosArea
        case .multiboot1, .multiboot2, .pvh: LowMemory.biosTables
        }
    }

    /// Where what the segment registers are loaded from lies, guest-physical.
    var segmentTables: (descriptors: UInt64, task: UInt64) {
        switch self {
        case .realMode, .bootSector, .protectedMode, .longMode, .linux: (LowMemory.descriptorTable, LowMemory.taskState)
        case .multiboot1, .multiboot2, .pvh: (LowMemory.biosDescriptorTable, LowMemory.biosTaskState)
        }
    }

    /// What tells of exceptions that nobody handles, first the one that the guest begins with; none for Linux, which begins by seeing to
    /// them, and where a BIOS does. A kernel that goes back to real mode calls a BIOS, which it takes for the loader's.
    var gates: [ReportingGates] {
        let real = ReportingGates(table: 0, stubs: LowMemory.realModeStubs, mode: .real)
        return switch self {
        case .linux, .bootSector: []
        case .realMode: [real]
        case .protectedMode, .longMode:
            [ReportingGates(table: LowMemory.interruptTable, stubs: LowMemory.interruptStubs, mode: mode)]
        case .multiboot1, .multiboot2, .pvh:
            [
                ReportingGates(table: LowMemory.biosInterruptTable, stubs: LowMemory.biosInterruptStubs, mode: mode),
                real,
            ]
        }
    }

    /// The vCPU's registers at the first instruction.
    ///
    /// - Parameter information: guest-physical address of what Multiboot's and PVH's kernels are told.
    public func entryState(information: UInt64) -> CPUState {
        var state = segmentState(information: information)
        if let gates = gates.first { state.special.idt = DescriptorTable(base: gates.table, limit: gates.limit) }
        return state
    }

    private func segmentState(information: UInt64) -> CPUState {
        switch self {
        case .multiboot1(let kernel):
            return .kernel(entry: kernel.entry, magic: MultibootInformation.magic, information: information)
        case .multiboot2(let kernel):
            return .kernel(entry: kernel.entry, magic: Multiboot2Information.magic, information: information)
        case .pvh(let entry):
            var state = CPUState.kernel(entry: entry, magic: 0, information: information)
            // Nothing else may be set, and the task's segment begins at 0 (pvh.pandoc, "State").
            state.special.cr0 = [.protectionEnable, .extensionType]
            state.special.tr.base = 0
            return state
        case .realMode(let segment, let offset): return .real(entry: offset, segment: segment)
        case .bootSector(let drive):
            // Its BIOS comes first.
            var state = CPUState.real(entry: BIOSCode.selfTest, segment: BIOSCode.segment)
            state.registers.rdx = UInt64(drive)
            return state
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
        switch self {
        case .bootSector, .linux, .multiboot1, .multiboot2, .pvh: .full
        case .realMode, .protectedMode, .longMode: vcpuCount > 1 ? .full : .none
        }
    }

    /// How modules are placed; nil where the protocol hands none over.
    var modulePlacement: FreeMemory.Placement? {
        switch self {
        case .linux(let kernel): .highest(below: kernel.initrdEnd)
        case .multiboot1, .multiboot2, .pvh: .behindImage
        case .realMode, .bootSector, .protectedMode, .longMode: nil
        }
    }

    /// How many modules a guest can be given.
    var moduleLimit: Int {
        switch self {
        case .linux: 1
        case .multiboot1, .multiboot2, .pvh: 1024
        case .realMode, .bootSector, .protectedMode, .longMode: 0
        }
    }
}
