import KVM
import TestSupport
import Testing

@Suite("Floating-point state")
struct FloatingPointTests {
    @Test("the first state is FNINIT's")
    func initialState() {
        // Intel SDM vol. 1 section 8.1.5: all exceptions masked, extended precision.
        let state = FloatingPointState()
        #expect(state.controlWord == 0x37F)
        #expect(state.statusWord == 0)
        #expect(state.tagWord == 0)
        #expect(state.x87 == [UInt128](repeating: 0, count: 8))
        #expect(state.xmm == [UInt128](repeating: 0, count: 16))
    }

    @Test("each field comes back as it was set", .requiresKVM)
    func roundTrip() throws {
        let machine = try TestMachine([])
        var state = FloatingPointState()
        state.controlWord = 0x27F
        state.statusWord = 0x3800
        state.tagWord = 0xA5
        state.lastOpcode = 0x1C9
        state.lastInstruction = 0x1234_5678
        state.lastData = 0x8765_4321
        // 80 bits each: sign and exponent above a mantissa whose top bit is set.
        state.x87 = (0..<8).map { 0x3FFF << 64 | 0x8000_0000_0000_0000 | UInt128($0) << 8 | UInt128($0) }
        state.xmm = (0..<16).map { UInt128($0 + 1) << 120 | UInt128($0 + 0x10) << 64 | UInt128($0 + 0x20) }
        try machine.vcpu.setFloatingPointState(state)
        #expect(try machine.vcpu.floatingPointState() == state)
    }
}
