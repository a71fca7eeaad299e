import KVM

/// A vCPU's registers at the guest's first instruction: a pure value, which can be compared and checked without KVM.
///
/// The accessed bit of each segment's type is set: VT-x demands it of every usable segment (Intel SDM vol. 3C section
/// 27.3.1.2, "Checks on Guest Segment Registers").
public struct CPUState: Equatable, Sendable {
    public var registers = GeneralRegisters()
    public var special = SpecialRegisters()

    /// A boot sector's state: every segment 0, stack below the code.
    ///
    /// - Parameters:
    ///   - entry: the first instruction's offset in its segment.
    ///   - segment: the code's.
    public static func real(entry: UInt16, segment: UInt16 = 0) -> CPUState {
        var state = CPUState()
        state.registers.rip = UInt64(entry)
        state.registers.rsp = LowMemory.realModeImage
        state.special.cs = .realMode(type: 11)
        state.special.cs.selector = segment
        state.special.cs.base = UInt64(segment) << 4
        let data = Segment.realMode(type: 3)
        state.special.setData(data)
        state.special.tr = .task(selector: 0, base: 0, limit: 0xFFFF)
        state.special.ldt = .noLocalTable
        state.special.idt = DescriptorTable(base: 0, limit: 0x3FF)
        state.special.cr0 = [.extensionType]
        return state
    }

    /// 32-bit with flat 4 GiB segments and no paging.
    public static func protected(entry: UInt32) -> CPUState {
        var state = flat(entry: UInt64(entry))
        state.special.cs.is32Bit = true
        state.special.cr0 = [.protectionEnable, .monitorCoprocessor, .extensionType, .numericError]
        return state
    }

    /// 64-bit with the first 4 GiB mapped to themselves: the Linux 64-bit boot protocol
    /// (Linux Documentation/arch/x86/boot.rst, section "64-bit Boot Protocol").
    ///
    /// - Parameters:
    ///   - entry: linear address of the first instruction.
    ///   - bootParameters: guest-physical address of the boot parameters, for RSI.
    public static func long(entry: UInt64, bootParameters: UInt64) -> CPUState {
        var state = flat(entry: entry)
        state.registers.rsi = bootParameters
        state.special.cs.isLong = true
        state.special.cr0 = [
            .protectionEnable, .monitorCoprocessor, .extensionType, .numericError, .writeProtect, .paging,
        ]
        state.special.cr3 = LowMemory.pageTables
        // Compilers use SSE in 64-bit code unless told otherwise.
        state.special.cr4 = [.physicalAddressExtension, .fxsave, .simdExceptions]
        state.special.efer = [.longModeEnable, .longModeActive]
        return state
    }

    /// Protected mode for a kernel that brings tables of its own: Multiboot's state, where those of ours lie out of its way (Multiboot
    /// Specification 0.6.96, section 3.2; Multiboot2 Specification 2.0, section 3.3).
    ///
    /// - Parameters:
    ///   - magic: for EAX.
    ///   - information: guest-physical address of what the kernel is told, for EBX.
    static func kernel(entry: UInt32, magic: UInt32, information: UInt64) -> CPUState {
        var state = protected(entry: entry)
        state.registers.rax = UInt64(magic)
        state.registers.rbx = information
        state.special.cs.selector = BootDescriptorTable.kernelCodeSelector
        state.special.setDataSelector(BootDescriptorTable.kernelDataSelector)
        state.special.gdt.base = LowMemory.biosDescriptorTable
        state.special.tr.base = LowMemory.biosTaskState
        return state
    }

    private static func flat(entry: UInt64) -> CPUState {
        var state = CPUState()
        state.registers.rip = entry
        state.registers.rsp = LowMemory.stackTop
        state.special.cs = .flat(selector: BootDescriptorTable.codeSelector, type: 11)
        var data = Segment.flat(selector: BootDescriptorTable.dataSelector, type: 3)
        data.is32Bit = true
        state.special.setData(data)
        state.special.tr = .task(
            selector: BootDescriptorTable.taskSelector, base: LowMemory.taskState,
            limit: UInt32(BootDescriptorTable.taskLimit))
        state.special.ldt = .noLocalTable
        state.special.gdt = DescriptorTable(base: LowMemory.descriptorTable, limit: BootDescriptorTable.limit)
        return state
    }
}

extension SpecialRegisters {
    fileprivate mutating func setData(_ segment: Segment) {
        (ds, es, fs, gs, ss) = (segment, segment, segment, segment, segment)
    }

    fileprivate mutating func setDataSelector(_ selector: UInt16) {
        var segment = ds
        segment.selector = selector
        setData(segment)
    }
}

extension Segment {
    /// Selector 0 at base 0 with the 64 KiB limit of a real-mode segment.
    fileprivate static func realMode(type: UInt8) -> Segment {
        var segment = Segment()
        segment.limit = 0xFFFF
        segment.type = type
        segment.isPresent = true
        segment.isCodeOrData = true
        return segment
    }

    /// All 4 GiB from 0.
    fileprivate static func flat(selector: UInt16, type: UInt8) -> Segment {
        var segment = Segment()
        segment.selector = selector
        segment.limit = 0xFFFF_FFFF
        segment.type = type
        segment.isPresent = true
        segment.isCodeOrData = true
        segment.hasPageGranularity = true
        return segment
    }

    /// A busy task-state segment, 32-bit or 64-bit as the mode reads it: there must always be one.
    fileprivate static func task(selector: UInt16, base: UInt64, limit: UInt32) -> Segment {
        var segment = Segment()
        segment.selector = selector
        segment.base = base
        segment.limit = limit
        segment.type = 11
        segment.isPresent = true
        return segment
    }

    fileprivate static var noLocalTable: Segment {
        var segment = Segment()
        segment.type = 2
        segment.isUnusable = true
        return segment
    }
}
