import KVM
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import VMM

@Suite("A kernel that never lets a vCPU run", .requiresKVM)
struct RefusedRunTests {
    @Test("ends the run in words, as where it can make no thread for the machine")
    func refused() throws {
        let outcome = Mutex<(isRefused: Bool, failure: VMMError?)>((false, nil))
        let thread = HostThread {
            // A jump to itself.
            guard RefusedCall.run.refuse(),
                let machine = try? VirtualMachine(MachineConfiguration(image: .bytes([0xEB, 0xFE])))
            else { return }
            let failure = machine.run().failure
            outcome.withLock { $0 = (true, failure) }
        }
        thread.join()
        let (isRefused, failure) = outcome.withLock { $0 }
        try #require(isRefused, "the system refuses no call of one thread")
        #expect(failure == .kvm(.cannotRun(.resourceTemporarilyUnavailable)))
        #expect(failure.map { ExitStatus($0) } == .fault)
    }
}
