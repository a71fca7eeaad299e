import TestSupport
import Testing
import VMM

@Suite("The host's trials", .requiresKVM)
struct HostTrialsTests {
    @Test("the backend that answers is the one whose module is loaded")
    func backend() throws {
        let report = try HostTrials().report()
        let expected: [String: HostReport.Backend] = ["kvm_intel": .vtx, "kvm_amd": .amdV, "kvm_pvm": .software]
        let loaded = report.modules.compactMap { expected[$0] }
        guard case .success(let backend) = report.backend else {
            Issue.record("\(report.backend)")
            return
        }
        #expect(loaded.isEmpty || loaded.contains(backend))
    }

    @Test("every cost is a number, and an exit costs more than an instruction of ring 3")
    func costs() throws {
        let report = try HostTrials().report()
        let costs = [report.ring0Instruction, report.ring3Instruction, report.portExit, report.mmioExit].map {
            outcome in
            if case .success(.nanoseconds(let time)) = outcome { time } else { Double.nan }
        }
        for cost in costs { #expect(cost > 0, "\(report)") }
        #expect(costs[2] > costs[1])
        #expect(costs[3] > costs[1])
    }

    @Test("events, the ring of coalesced writes and interrupts work on every known host")
    func notifications() throws {
        let report = try HostTrials().report()
        #expect(report.ioeventfd == .success(true))
        #expect(report.coalescedWrites == .success(true))
        #expect(report.irqfd == .success(true))
    }

    @Test("a step of guest debugging is one instruction, on every host where this suite runs")
    func singleStep() throws {
        #expect(try HostTrials().report().singleStep == .success(true))
    }
}
