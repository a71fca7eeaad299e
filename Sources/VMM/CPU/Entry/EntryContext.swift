import KVM

/// A state with what the rules ask of it.
struct EntryContext: Sendable {
    let registers: GeneralRegisters
    let special: SpecialRegisters
    /// The bits that no physical address has.
    let beyondPhysicalAddress: UInt64

    init(_ state: CPUState, physicalAddressBits: Int) {
        registers = state.registers
        special = state.special
        beyondPhysicalAddress = UInt64.max << UInt64(min(max(physicalAddressBits, 32), 52))
    }

    subscript(_ register: EntrySegment) -> Segment { register.value(in: special) }

    var hasPaging: Bool { special.cr0.contains(.paging) }

    /// Without protection.
    var isReal: Bool { !special.cr0.contains(.protectionEnable) }

    /// Long mode, 64-bit or compatibility: what VT-x calls an IA-32e mode guest, and what KVM reads off EFER.LMA.
    var isLong: Bool { special.efer.contains(.longModeActive) }

    /// 64-bit code.
    var is64Bit: Bool { isLong && special.cs.isLong }

    var isVirtual8086: Bool { !isReal && !isLong && registers.rflags.contains(.virtual8086) }

    /// Protected or long mode, where selectors are what they are called. The rules on RPL hold there only: in real mode
    /// a VT-x host either has unrestricted guest, which lifts them, or enters virtual-8086 mode, which has no RPL.
    var hasPrivilege: Bool { !isReal && !isVirtual8086 }

    /// Whether an address is one that the processor can form: all bits above the highest one alike. A processor that
    /// can do with 57 bits is sure to be there only if CR4.LA57 turns them on.
    func isCanonical(_ address: UInt64) -> Bool {
        let unused: Int64 = special.cr4.rawValue & EntryBits.la57 != 0 ? 64 - 57 : 64 - 48
        let signed = Int64(bitPattern: address)
        return (signed << unused) >> unused == signed
    }
}
