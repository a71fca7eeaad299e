import KVM
import SystemPackage
import Testing

@testable import VMM

@Suite("What a run's end and an error say, and the status they suggest")
struct ExitStatusTests {
    @Test("each end has a line for people and a status")
    func reasons() {
        let rows: [(StopReason, Int32, String?)] = [
            (.halted, 0, nil), (.exited(status: 33), 33, nil), (.poweredOff, 0, nil), (.reset(.resetControl), 0, nil),
            (
                .sleeping, 0, "give it interrupt controllers, or turn interrupts off before the last HLT"
            ),
            (.panicked, 125, nil), (.deadline, 124, nil), (.signal(15), 143, nil), (.stopped, 130, nil),
        ]
        for (reason, status, remedy) in rows {
            #expect(reason.exitStatus.rawValue == status, "\(reason)")
            #expect(reason.remedy == remedy, "\(reason)")
            #expect(!reason.description.isEmpty)
        }
    }

    @Test("each error has its remedy in its text and by itself")
    func errors() {
        let rows: [(VMMError, Int32, String?)] = [
            (
                .configuration("two devices are called a; give one of them another name"), 64,
                "give one of them another name"
            ),
            (
                .kvm(.cannotOpen(path: "/dev/kvm", .permissionDenied)), 69,
                "add your user to the group \"kvm\", then log in again"
            ),
            (.kvm(.call("make a vCPU", .noMemory)), 70, nil),
            (.image(name: "a", .deadline), 124, VMMError.image(name: "a", .deadline).remedy),
            (.output(.brokenPipe), 74, nil), (.output(.noSpace), 74, "free some space or redirect it elsewhere"),
            (.fault("a rule did not hold"), 70, nil),
        ]
        for (error, status, remedy) in rows {
            #expect(error.exitStatus.rawValue == status, "\(error)")
            #expect(error.remedy == remedy, "\(error)")
            if let remedy { #expect(error.description.hasSuffix("; \(remedy)")) }
        }
    }
}
