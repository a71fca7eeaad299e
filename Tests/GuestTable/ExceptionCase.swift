import VMM

/// An exception that a guest without any handler causes, and what is said of it.
public struct ExceptionCase: CustomStringConvertible, Sendable {
    /// The hosts that the tests know, where they differ from a processor.
    public enum Host: Sendable {
        /// Ring 0 in software: it lacks many instructions.
        case pvm
        /// AMD-V as QEMU 7.2 emulates it.
        case qemu
        /// VT-x as on the oldest processors, as Bochs emulates it.
        case strictBochs
    }

    public let name: String
    public let mode: CPUMode
    public let code: [UInt8]
    /// What came, or how else the run ends.
    public let outcome: String
    /// On a host that cannot raise it, or raises another one.
    public let elsewhere: [Host: String]

    init(
        _ name: String, _ mode: CPUMode, _ code: [UInt8], _ outcome: String, elsewhere: [Host: String] = [:]
    ) {
        (self.name, self.mode, self.code, self.outcome, self.elsewhere) = (name, mode, code, outcome, elsewhere)
    }

    public var description: String { "\(name), \(mode)" }

    /// How a run ended, as the table has it.
    public static func outcome(of reason: StopReason) -> String {
        switch reason {
        case .exception(let exception): exception.what
        case .guestError(let error) where error.kind == .emulationFailure: "no emulation"
        case .guestError(let error): "\(error.kind)"
        case .halted: "halted"
        default: "\(reason)"
        }
    }

    /// Whether a host with these modules of KVM can answer so.
    public func allows(_ outcome: String, modules: [String]) -> Bool {
        let hosts: [Host] =
            modules.contains("kvm_pvm") ? [.pvm] : modules.contains("kvm_amd") ? [.qemu] : [.strictBochs]
        return outcome == self.outcome || hosts.contains { elsewhere[$0] == outcome }
    }

    /// Each exception in each mode that has it (Intel SDM vol. 3A table 7-1). Not here are the NMI and the machine check, which no
    /// instruction causes, and the alignment check, which ring 0 does not have. Every piece of code ends with HLT.
    public static let all: [ExceptionCase] = [
        // xorl %ecx,%ecx; divl %ecx
        ExceptionCase(
            "#DE", .real,
            [
                0x66, 0x31, 0xC9, 0x66, 0xF7, 0xF1, 0xF4,
            ], "#DE, a division by zero or one whose result is too large"),
        // .byte 0xf1
        ExceptionCase(
            "#DB", .real,
            [
                0xF1, 0xF4,
            ], "#DB, a debug exception", elsewhere: [.pvm: "no emulation", .qemu: "#UD, an invalid instruction"]),
        // int3
        ExceptionCase(
            "#BP", .real,
            [
                0xCC, 0xF4,
            ], "#BP, a breakpoint"),
        // movb $0x7f,%al; addb $1,%al; into
        ExceptionCase(
            "#OF", .real,
            [
                0xB0, 0x7F, 0x04, 0x01, 0xCE, 0xF4,
            ], "#OF, an overflow"),
        // movw $5,%ax; bound %ax,0x7c80
        ExceptionCase(
            "#BR", .real,
            [
                0xB8, 0x05, 0x00, 0x62, 0x06, 0x80, 0x7C, 0xF4,
            ], "#BR, an index out of bounds", elsewhere: [.pvm: "no emulation"]),
        // ud2
        ExceptionCase(
            "#UD", .real,
            [
                0x0F, 0x0B, 0xF4,
            ], "#UD, an invalid instruction"),
        // movl %cr0,%eax; orb $8,%al; movl %eax,%cr0; fnop
        ExceptionCase(
            "#NM", .real,
            [
                0x0F, 0x20, 0xC0, 0x0C, 0x08, 0x0F, 0x22, 0xC0, 0xD9, 0xD0, 0xF4,
            ], "#NM, an instruction for a floating-point unit that is switched off", elsewhere: [.pvm: "no emulation"]),
        // movw %ss:0xffff,%ax
        ExceptionCase(
            "#SS", .real,
            [
                0x36, 0xA1, 0xFF, 0xFF, 0xF4,
            ], "#SS, a fault of the stack segment", elsewhere: [.qemu: "halted"]),
        // movw 0xffff,%ax
        ExceptionCase(
            "#GP", .real,
            [
                0xA1, 0xFF, 0xFF, 0xF4,
            ], "#GP, a violation of protection", elsewhere: [.qemu: "halted"]),
        // movl %cr0,%eax; orb $0x20,%al; movl %eax,%cr0; movw $0x37b,0x7cf0; fninit; fldcw 0x7cf0; fld1; fldz;
        // fdivrp; fwait
        ExceptionCase(
            "#MF", .real,
            [
                0x0F, 0x20, 0xC0, 0x0C, 0x20, 0x0F, 0x22, 0xC0, 0xC7, 0x06, 0xF0, 0x7C, 0x7B, 0x03, 0xDB, 0xE3,
                0xD9, 0x2E, 0xF0, 0x7C, 0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9, 0x9B, 0xF4,
            ], "#MF, a floating-point error", elsewhere: [.pvm: "no emulation"]),
        // movl %cr4,%eax; orw $0x600,%ax; movl %eax,%cr4; movl $0x1d80,0x7cf0; ldmxcsr 0x7cf0; xorps
        // %xmm1,%xmm1; pcmpeqd %xmm0,%xmm0; psrld $25,%xmm0; pslld $23,%xmm0; divps %xmm1,%xmm0
        ExceptionCase(
            "#XM", .real,
            [
                0x0F, 0x20, 0xE0, 0x0D, 0x00, 0x06, 0x0F, 0x22, 0xE0, 0x66, 0xC7, 0x06, 0xF0, 0x7C, 0x80, 0x1D,
                0x00, 0x00, 0x0F, 0xAE, 0x16, 0xF0, 0x7C, 0x0F, 0x57, 0xC9, 0x66, 0x0F, 0x76, 0xC0, 0x66, 0x0F,
                0x72, 0xD0, 0x19, 0x66, 0x0F, 0x72, 0xF0, 0x17, 0x0F, 0x5E, 0xC1, 0xF4,
            ], "#XM, a SIMD floating-point error",
            elsewhere: [.pvm: "no emulation", .qemu: "halted", .strictBochs: "unexpectedExit(\"unknown(reason: 1)\")"]),
        // xorl %ecx,%ecx; divl %ecx
        ExceptionCase(
            "#DE", .protected,
            [
                0x31, 0xC9, 0xF7, 0xF1, 0xF4,
            ], "#DE, a division by zero or one whose result is too large"),
        // .byte 0xf1
        ExceptionCase(
            "#DB", .protected,
            [
                0xF1, 0xF4,
            ], "#DB, a debug exception", elsewhere: [.pvm: "no emulation", .qemu: "#UD, an invalid instruction"]),
        // int3
        ExceptionCase(
            "#BP", .protected,
            [
                0xCC, 0xF4,
            ], "#BP, a breakpoint", elsewhere: [.pvm: "no emulation"]),
        // movb $0x7f,%al; addb $1,%al; into
        ExceptionCase(
            "#OF", .protected,
            [
                0xB0, 0x7F, 0x04, 0x01, 0xCE, 0xF4,
            ], "#OF, an overflow", elsewhere: [.pvm: "no emulation"]),
        // movl $5,%eax; boundl %eax,0x100080
        ExceptionCase(
            "#BR", .protected,
            [
                0xB8, 0x05, 0x00, 0x00, 0x00, 0x62, 0x05, 0x80, 0x00, 0x10, 0x00, 0xF4,
            ], "#BR, an index out of bounds", elsewhere: [.pvm: "no emulation"]),
        // ud2
        ExceptionCase(
            "#UD", .protected,
            [
                0x0F, 0x0B, 0xF4,
            ], "#UD, an invalid instruction"),
        // movl %cr0,%eax; orb $8,%al; movl %eax,%cr0; fnop
        ExceptionCase(
            "#NM", .protected,
            [
                0x0F, 0x20, 0xC0, 0x0C, 0x08, 0x0F, 0x22, 0xC0, 0xD9, 0xD0, 0xF4,
            ], "#NM, an instruction for a floating-point unit that is switched off", elsewhere: [.pvm: "no emulation"]),
        // movb $0x6e,0x146d; movw $0x1f8,%ax; movw %ax,%ds
        ExceptionCase(
            "#DF", .protected,
            [
                0xC6, 0x05, 0x6D, 0x14, 0x00, 0x00, 0x6E, 0x66, 0xB8, 0xF8, 0x01, 0x8E, 0xD8, 0xF4,
            ], "#DF, an exception while another one was being delivered",
            elsewhere: [.qemu: "#NP, a segment that is not present, with error code 0x6a: interrupt 0xd has no gate"]),
        // pushfl; orb $0x40,1(%esp); popfl; iretl
        ExceptionCase(
            "#TS", .protected,
            [
                0x9C, 0x80, 0x4C, 0x24, 0x01, 0x40, 0x9D, 0xCF, 0xF4,
            ], "#TS, a wrong task-state segment", elsewhere: [.pvm: "no emulation"]),
        // andb $0x7f,0x101d; movw $0x18,%ax; movw %ax,%ds
        ExceptionCase(
            "#NP", .protected,
            [
                0x80, 0x25, 0x1D, 0x10, 0x00, 0x00, 0x7F, 0x66, 0xB8, 0x18, 0x00, 0x8E, 0xD8, 0xF4,
            ], "#NP, a segment that is not present, with error code 0x18"),
        // andb $0x7f,0x101d; movw $0x18,%ax; movw %ax,%ss
        ExceptionCase(
            "#SS", .protected,
            [
                0x80, 0x25, 0x1D, 0x10, 0x00, 0x00, 0x7F, 0x66, 0xB8, 0x18, 0x00, 0x8E, 0xD0, 0xF4,
            ], "#SS, a fault of the stack segment, with error code 0x18"),
        // movw $0x1f8,%ax; movw %ax,%ds
        ExceptionCase(
            "#GP", .protected,
            [
                0x66, 0xB8, 0xF8, 0x01, 0x8E, 0xD8, 0xF4,
            ], "#GP, a violation of protection, with error code 0x1f8"),
        // movl $0x83,0x200000; movl %cr4,%eax; orb $0x10,%al; movl %eax,%cr4; movl $0x200000,%eax; movl
        // %eax,%cr3; movl %cr0,%eax; orl $0x80000000,%eax; movl %eax,%cr0; movl %eax,0x800000
        ExceptionCase(
            "#PF", .protected,
            [
                0xC7, 0x05, 0x00, 0x00, 0x20, 0x00, 0x83, 0x00, 0x00, 0x00, 0x0F, 0x20, 0xE0, 0x0C, 0x10, 0x0F,
                0x22, 0xE0, 0xB8, 0x00, 0x00, 0x20, 0x00, 0x0F, 0x22, 0xD8, 0x0F, 0x20, 0xC0, 0x0D, 0x00, 0x00,
                0x00, 0x80, 0x0F, 0x22, 0xC0, 0xA3, 0x00, 0x00, 0x80, 0x00, 0xF4,
            ], "#PF, a page fault: no page at a write to 0x800000", elsewhere: [.pvm: "#GP, a violation of protection"]),
        // movl %cr0,%eax; orb $0x20,%al; movl %eax,%cr0; movl $0x37b,0x1000f0; fninit; fldcw 0x1000f0; fld1;
        // fldz; fdivrp; fwait
        ExceptionCase(
            "#MF", .protected,
            [
                0x0F, 0x20, 0xC0, 0x0C, 0x20, 0x0F, 0x22, 0xC0, 0xC7, 0x05, 0xF0, 0x00, 0x10, 0x00, 0x7B, 0x03,
                0x00, 0x00, 0xDB, 0xE3, 0xD9, 0x2D, 0xF0, 0x00, 0x10, 0x00, 0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9,
                0x9B, 0xF4,
            ], "#MF, a floating-point error", elsewhere: [.pvm: "no emulation"]),
        // movl %cr4,%eax; orw $0x600,%ax; movl %eax,%cr4; movl $0x1d80,0x1000f0; ldmxcsr 0x1000f0; xorps
        // %xmm1,%xmm1; pcmpeqd %xmm0,%xmm0; psrld $25,%xmm0; pslld $23,%xmm0; divps %xmm1,%xmm0
        ExceptionCase(
            "#XM", .protected,
            [
                0x0F, 0x20, 0xE0, 0x66, 0x0D, 0x00, 0x06, 0x0F, 0x22, 0xE0, 0xC7, 0x05, 0xF0, 0x00, 0x10, 0x00,
                0x80, 0x1D, 0x00, 0x00, 0x0F, 0xAE, 0x15, 0xF0, 0x00, 0x10, 0x00, 0x0F, 0x57, 0xC9, 0x66, 0x0F,
                0x76, 0xC0, 0x66, 0x0F, 0x72, 0xD0, 0x19, 0x66, 0x0F, 0x72, 0xF0, 0x17, 0x0F, 0x5E, 0xC1, 0xF4,
            ], "#XM, a SIMD floating-point error", elsewhere: [.pvm: "no emulation", .qemu: "halted"]),
        // xorl %ecx,%ecx; divl %ecx
        ExceptionCase(
            "#DE", .long,
            [
                0x31, 0xC9, 0xF7, 0xF1, 0xF4,
            ], "#DE, a division by zero or one whose result is too large"),
        // .byte 0xf1
        ExceptionCase(
            "#DB", .long,
            [
                0xF1, 0xF4,
            ], "#DB, a debug exception", elsewhere: [.pvm: "no emulation", .qemu: "#UD, an invalid instruction"]),
        // int3
        ExceptionCase(
            "#BP", .long,
            [
                0xCC, 0xF4,
            ], "#BP, a breakpoint", elsewhere: [.pvm: "no emulation"]),
        // ud2
        ExceptionCase(
            "#UD", .long,
            [
                0x0F, 0x0B, 0xF4,
            ], "#UD, an invalid instruction"),
        // movq %cr0,%rax; orb $8,%al; movq %rax,%cr0; fnop
        ExceptionCase(
            "#NM", .long,
            [
                0x0F, 0x20, 0xC0, 0x0C, 0x08, 0x0F, 0x22, 0xC0, 0xD9, 0xD0, 0xF4,
            ], "#NM, an instruction for a floating-point unit that is switched off", elsewhere: [.pvm: "no emulation"]),
        // movb $0x6e,0x14d5; movw $0x1f8,%ax; movw %ax,%ds
        ExceptionCase(
            "#DF", .long,
            [
                0xC6, 0x04, 0x25, 0xD5, 0x14, 0x00, 0x00, 0x6E, 0x66, 0xB8, 0xF8, 0x01, 0x8E, 0xD8, 0xF4,
            ], "#DF, an exception while another one was being delivered",
            elsewhere: [.qemu: "#NP, a segment that is not present, with error code 0xd2: interrupt 0x1a has no gate"]),
        // andb $0x7f,0x101d; movw $0x18,%ax; movw %ax,%ds
        ExceptionCase(
            "#NP", .long,
            [
                0x80, 0x24, 0x25, 0x1D, 0x10, 0x00, 0x00, 0x7F, 0x66, 0xB8, 0x18, 0x00, 0x8E, 0xD8, 0xF4,
            ], "#NP, a segment that is not present, with error code 0x18"),
        // andb $0x7f,0x101d; movw $0x18,%ax; movw %ax,%ss
        ExceptionCase(
            "#SS", .long,
            [
                0x80, 0x24, 0x25, 0x1D, 0x10, 0x00, 0x00, 0x7F, 0x66, 0xB8, 0x18, 0x00, 0x8E, 0xD0, 0xF4,
            ], "#SS, a fault of the stack segment, with error code 0x18"),
        // movw $0x1f8,%ax; movw %ax,%ds
        ExceptionCase(
            "#GP", .long,
            [
                0x66, 0xB8, 0xF8, 0x01, 0x8E, 0xD8, 0xF4,
            ], "#GP, a violation of protection, with error code 0x1f8"),
        // movabsq $0x100000000,%rax; movq %rax,(%rax)
        ExceptionCase(
            "#PF", .long,
            [
                0x48, 0xB8, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x48, 0x89, 0x00, 0xF4,
            ], "#PF, a page fault: no page at a write to 0x100000000"),
        // movq %cr0,%rax; orb $0x20,%al; movq %rax,%cr0; movl $0x37b,0x1000f0; fninit; fldcw 0x1000f0; fld1;
        // fldz; fdivrp; fwait
        ExceptionCase(
            "#MF", .long,
            [
                0x0F, 0x20, 0xC0, 0x0C, 0x20, 0x0F, 0x22, 0xC0, 0xC7, 0x04, 0x25, 0xF0, 0x00, 0x10, 0x00, 0x7B,
                0x03, 0x00, 0x00, 0xDB, 0xE3, 0xD9, 0x2C, 0x25, 0xF0, 0x00, 0x10, 0x00, 0xD9, 0xE8, 0xD9, 0xEE,
                0xDE, 0xF9, 0x9B, 0xF4,
            ], "#MF, a floating-point error", elsewhere: [.pvm: "no emulation"]),
        // movq %cr4,%rax; orw $0x600,%ax; movq %rax,%cr4; movl $0x1d80,0x1000f0; ldmxcsr 0x1000f0; xorps
        // %xmm1,%xmm1; pcmpeqd %xmm0,%xmm0; psrld $25,%xmm0; pslld $23,%xmm0; divps %xmm1,%xmm0
        ExceptionCase(
            "#XM", .long,
            [
                0x0F, 0x20, 0xE0, 0x66, 0x0D, 0x00, 0x06, 0x0F, 0x22, 0xE0, 0xC7, 0x04, 0x25, 0xF0, 0x00, 0x10,
                0x00, 0x80, 0x1D, 0x00, 0x00, 0x0F, 0xAE, 0x14, 0x25, 0xF0, 0x00, 0x10, 0x00, 0x0F, 0x57, 0xC9,
                0x66, 0x0F, 0x76, 0xC0, 0x66, 0x0F, 0x72, 0xD0, 0x19, 0x66, 0x0F, 0x72, 0xF0, 0x17, 0x0F, 0x5E,
                0xC1, 0xF4,
            ], "#XM, a SIMD floating-point error", elsewhere: [.pvm: "no emulation", .qemu: "halted"]),
    ]
}
