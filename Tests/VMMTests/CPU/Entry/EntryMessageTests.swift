import KVM
import Testing

@testable import VMM

@Suite("Entry: messages")
struct EntryMessageTests {
    @Test("a message is one line with register, value, rule and source")
    func messages() {
        var state = CPUState.long(entry: 0x10_0000, bootParameters: 0x3000)
        state.special.tr.type = 9
        #expect(
            state.entryViolation()?.description == """
                TR has type 9; in long mode it must be a busy 64-bit TSS, type 11 (Intel SDM vol. 3C section 27.3.1.2)
                """)
        state.special.cr4.insert(ControlRegister4(rawValue: 1 << 13))
        #expect(
            state.entryViolation()?.description == """
                CR4 is 0x2620, with bit 13 set; bits that only Intel defines must be zero, or AMD-V refuses them \
                (AMD APM vol. 2 section 15.5.1)
                """)
        state.special.cr3 = 1 << 60
        #expect(
            state.entryViolation()?.description == """
                CR3 is 0x1000000000000000, with bit 60 set; bits beyond the physical address must be zero \
                (Intel SDM vol. 3C section 27.3.1.1; AMD APM vol. 2 section 15.5.1)
                """)
        state.special.cr0.remove(.protectionEnable)
        #expect(
            state.entryViolation()?.description
                == "CR0 is 0x80010032; paging (PG) needs protection (PE) (Intel SDM vol. 3A section 2.5)")
    }

    @Test("the parts of a violation are there for programs")
    func parts() {
        var state = CPUState.long(entry: 0x10_0000, bootParameters: 0x3000)
        state.special.tr.type = 9
        let expected = EntryViolation(
            register: "TR", finding: "has type 9",
            rule: EntryRule(
                authority: .vtx, source: "Intel SDM vol. 3C section 27.3.1.2",
                demand: "in long mode it must be a busy 64-bit TSS, type 11"))
        #expect(state.entryViolation() == expected)
        #expect(state.entryViolations() == [expected])
    }

    @Test("all that is wrong is told in the manual's order, and the first of it is the answer to the shorter question")
    func order() {
        var state = CPUState.long(entry: 1 << 63, bootParameters: 0x3000)
        state.registers.rflags.insert(Flags(rawValue: 1 << 3))
        state.special.idt.base = 1 << 63
        state.special.ldt.isUnusable = false
        state.special.ldt.isPresent = true
        state.special.ldt.type = 0
        state.special.tr.isCodeOrData = true
        state.special.ds.type = 0
        state.special.cs.type = 8
        state.special.gs.base = 1 << 63
        state.special.ss.selector = 3
        state.special.efer.insert(ExtendedFeatures(rawValue: 1 << 9))
        state.special.cr0.insert(.notWriteThrough)
        let violations = state.entryViolations()
        #expect(
            violations.map(\.register) == [
                "CR0", "EFER", "SS", "GS", "CS", "SS", "DS", "TR", "LDTR", "IDTR", "RIP", "RFLAGS",
            ])
        #expect(state.entryViolation() == violations.first)
    }

    @Test(
        "bits are named one by one, and runs of them by their ends",
        arguments: [
            (0, "bits "), (1, "bit 0"), (1 << 63, "bit 63"), (0b101, "bits 0, 2"), (0b1110, "bits 1-3"),
            (UInt64.max, "bits 0-63"), (UInt64.max << 22 | 1 << 15, "bits 15, 22-63"),
        ] as [(UInt64, String)])
    func bits(value: UInt64, text: String) {
        #expect(EntryBits.names(of: value) == text)
    }
}
