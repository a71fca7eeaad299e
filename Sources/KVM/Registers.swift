import CKVM

/// The general registers, the instruction pointer and the flags (`KVM_GET_REGS`, Linux api.rst section 4.11). All zero at
/// first but the flags' bit that is always set.
public struct GeneralRegisters: Equatable, Sendable {
    public var rax: UInt64 = 0
    public var rbx: UInt64 = 0
    public var rcx: UInt64 = 0
    public var rdx: UInt64 = 0
    public var rsi: UInt64 = 0
    public var rdi: UInt64 = 0
    public var rsp: UInt64 = 0
    public var rbp: UInt64 = 0
    public var r8: UInt64 = 0
    public var r9: UInt64 = 0
    public var r10: UInt64 = 0
    public var r11: UInt64 = 0
    public var r12: UInt64 = 0
    public var r13: UInt64 = 0
    public var r14: UInt64 = 0
    public var r15: UInt64 = 0
    public var rip: UInt64 = 0
    public var rflags: Flags = .alwaysSet

    public init() {}

    init(_ c: kvm_regs) {
        (rax, rbx, rcx, rdx) = (c.rax, c.rbx, c.rcx, c.rdx)
        (rsi, rdi, rsp, rbp) = (c.rsi, c.rdi, c.rsp, c.rbp)
        (r8, r9, r10, r11) = (c.r8, c.r9, c.r10, c.r11)
        (r12, r13, r14, r15) = (c.r12, c.r13, c.r14, c.r15)
        rip = c.rip
        rflags = Flags(rawValue: c.rflags)
    }

    var c: kvm_regs {
        kvm_regs(
            rax: rax, rbx: rbx, rcx: rcx, rdx: rdx, rsi: rsi, rdi: rdi, rsp: rsp, rbp: rbp,
            r8: r8, r9: r9, r10: r10, r11: r11, r12: r12, r13: r13, r14: r14, r15: r15,
            rip: rip, rflags: rflags.rawValue)
    }
}

/// Segments, descriptor tables and control registers (`KVM_GET_SREGS`, Linux api.rst section 4.13).
public struct SpecialRegisters: Equatable, Sendable {
    public var cs = Segment()
    public var ds = Segment()
    public var es = Segment()
    public var fs = Segment()
    public var gs = Segment()
    public var ss = Segment()
    public var tr = Segment()
    public var ldt = Segment()
    public var gdt = DescriptorTable()
    public var idt = DescriptorTable()
    public var cr0: ControlRegister0 = []
    public var cr2: UInt64 = 0
    /// Guest-physical address of the top page table.
    public var cr3: UInt64 = 0
    public var cr4: ControlRegister4 = []
    /// The task priority, 0 to 15.
    public var cr8: UInt64 = 0
    public var efer: ExtendedFeatures = []
    /// IA32_APIC_BASE; KVM's value after reset marks the first vCPU as the boot processor.
    public var apicBase: UInt64 = 0

    public init() {}

    init(_ c: kvm_sregs) {
        cs = Segment(c.cs)
        ds = Segment(c.ds)
        es = Segment(c.es)
        fs = Segment(c.fs)
        gs = Segment(c.gs)
        ss = Segment(c.ss)
        tr = Segment(c.tr)
        ldt = Segment(c.ldt)
        gdt = DescriptorTable(base: c.gdt.base, limit: c.gdt.limit)
        idt = DescriptorTable(base: c.idt.base, limit: c.idt.limit)
        cr0 = ControlRegister0(rawValue: c.cr0)
        cr2 = c.cr2
        cr3 = c.cr3
        cr4 = ControlRegister4(rawValue: c.cr4)
        cr8 = c.cr8
        efer = ExtendedFeatures(rawValue: c.efer)
        apicBase = c.apic_base
    }

    var c: kvm_sregs {
        var c = kvm_sregs()
        c.cs = cs.c
        c.ds = ds.c
        c.es = es.c
        c.fs = fs.c
        c.gs = gs.c
        c.ss = ss.c
        c.tr = tr.c
        c.ldt = ldt.c
        (c.gdt.base, c.gdt.limit) = (gdt.base, gdt.limit)
        (c.idt.base, c.idt.limit) = (idt.base, idt.limit)
        c.cr0 = cr0.rawValue
        c.cr2 = cr2
        c.cr3 = cr3
        c.cr4 = cr4.rawValue
        c.cr8 = cr8
        c.efer = efer.rawValue
        c.apic_base = apicBase
        return c
    }
}

/// GDTR or IDTR (Intel SDM vol. 3A section 2.4).
public struct DescriptorTable: Equatable, Sendable {
    /// Linear address.
    public var base: UInt64
    /// Offset of the table's last byte.
    public var limit: UInt16

    public init(base: UInt64 = 0, limit: UInt16 = 0) {
        self.base = base
        self.limit = limit
    }
}

/// A model-specific register and its value (Intel SDM vol. 4).
public struct ModelSpecificRegister: Equatable, Sendable {
    public var index: UInt32
    public var value: UInt64

    public init(index: UInt32, value: UInt64) {
        self.index = index
        self.value = value
    }
}
