import CKVM

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
