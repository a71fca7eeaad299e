import KVM
import TestSupport
import Testing

@testable import VMM

/// States that nobody thought of: good ones with random bits flipped.
@Suite("Entry: random states")
struct EntryRandomTests {
    @Test("any state gets an answer: all violations in words of one line, the first of them first")
    func anyState() {
        var flipper = EntryBitFlipper(seed: 0x5EED_0001)
        var passed = 0
        var wrong: [CPUState] = []
        let count = TestScale.count(200_000)
        for round in 0..<count {
            var state = flipper.goodState()
            let flips = round % 8 == 0 ? 16 : 1 + round % 4
            for _ in 0..<flips { flipper.flip(&state) }
            let width = Int(truncatingIfNeeded: flipper.random.next())
            let violation = state.entryViolation(physicalAddressBits: width)
            if violation == nil { passed += 1 }
            // The long answer costs words; every fourth state is enough to see that both agree.
            guard round % 4 == 0 else { continue }
            let all = state.entryViolations(physicalAddressBits: width)
            let lines = all.map(\.description)
            if all.first != violation || lines.contains(where: { $0.contains("\n") || $0.count > 300 }) {
                wrong.append(state)
            }
        }
        #expect(wrong.isEmpty, "\(wrong.first.map { "\($0)" } ?? "")")
        // Flips of general registers, of what an entry ignores and of unusable segments leave a good state good.
        #expect((count / 10..<count * 9 / 10).contains(passed), "\(passed) of \(count)")
    }

    @Test("a state that is a good one again after two flips passes")
    func goodAgain() {
        var flipper = EntryBitFlipper(seed: 0x5EED_0002)
        var refused = 0
        for _ in 0..<TestScale.count(20_000) {
            let good = flipper.goodState()
            var state = good
            let again = flipper
            flipper.flip(&state)
            flipper = again
            flipper.flip(&state)
            if state != good || state.entryViolation() != nil { refused += 1 }
        }
        #expect(refused == 0)
    }

    @Test("what this host's KVM refuses to take, the checker refuses too", .requiresKVM)
    func refusedBySet() throws {
        let system = try KVMSystem()
        let cpuid = try system.supportedCPUID()
        let vcpu = try system.makeVirtualMachine().makeVCPU(id: 0)
        try vcpu.setCPUID(cpuid)
        var flipper = EntryBitFlipper(seed: 0x5EED_0003)
        var refusals = 0
        var missed: [String] = []
        for _ in 0..<TestScale.count(20_000) {
            let good = flipper.goodState()
            var state = good
            flipper.flip(&state)
            do {
                try vcpu.setSpecialRegisters(state.special)
                continue
            } catch {}
            refusals += 1
            // Whether CPUID offers a feature of CR4 or x2APIC mode is the host's own matter.
            let features = state.special.cr4.symmetricDifference(good.special.cr4)
            guard features.isEmpty, state.special.apicBase & EntryBits.x2APIC == 0 else { continue }
            if state.entryViolation(physicalAddressBits: cpuid.physicalAddressBits) == nil {
                missed.append("\(state.special)")
            }
        }
        #expect(missed.isEmpty, "\(missed.first ?? "")")
        #expect(refusals > 0)
    }
}
