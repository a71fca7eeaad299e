import KVM
import Testing

@testable import VMM

@Suite("Entry: the manuals' rules")
struct EntryRuleTests {
    @Test("a state beyond the measured ones gets the manual's verdict", arguments: EntryCases.all)
    func verdict(entry: EntryCase) throws {
        let violation = entry.state.entryViolation()
        guard let refusal = entry.refusal else {
            #expect(violation == nil)
            return
        }
        let found = try #require(violation)
        #expect(found.description.contains(refusal), "\(found)")
        #expect(found.rule.authority == entry.authority)
    }

    @Test("the states that a guest is entered with pass, wherever it begins")
    func initialStates() {
        for entry in [0, 1, 0x7C00, UInt16.max] {
            #expect(CPUState.real(entry: entry).entryViolation() == nil)
        }
        for entry in [0, 0x10_0000, UInt32.max] {
            #expect(CPUState.protected(entry: entry).entryViolation() == nil)
        }
        for entry in [0, 0x10_0000, 0x7FFF_FFFF_FFFF, UInt64.max] {
            #expect(CPUState.long(entry: entry, bootParameters: 0x3000).entryViolation(physicalAddressBits: 36) == nil)
        }
    }

    @Test("an entry address that no processor can form is refused")
    func entryAddress() {
        let state = CPUState.long(entry: 1 << 47, bootParameters: 0)
        #expect(state.entryViolation()?.register == "RIP")
    }

    @Test("the physical address is as wide as the caller says, within what the architecture knows")
    func physicalAddressWidth() {
        var state = CPUState.protected(entry: 0)
        state.special.cr3 = 1 << 40
        #expect(state.entryViolation() == nil)
        #expect(state.entryViolation(physicalAddressBits: 41) == nil)
        #expect(state.entryViolation(physicalAddressBits: 40)?.register == "CR3")
        state.special.cr3 = 1 << 31
        #expect(state.entryViolation(physicalAddressBits: .min) == nil)
        state.special.cr3 = 1 << 52
        #expect(state.entryViolation(physicalAddressBits: .max)?.register == "CR3")
        state.special.cr3 = 0
        state.special.apicBase = 1 << 40 | 0x900
        #expect(state.entryViolation(physicalAddressBits: 40)?.register == "IA32_APIC_BASE")
    }
}
