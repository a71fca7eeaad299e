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
