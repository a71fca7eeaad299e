import DeviceModel
import KVM
import SystemPackage
import Testing

@testable import VMM
@testable import swiftvmm

@Suite("Exit statuses")
struct ExitStatusTests {
    static let snapshot = CPUSnapshot(
        registers: GeneralRegisters(), special: SpecialRegisters(), instruction: InstructionBytes([0x0F, 0x0B]))

    static func guestError(_ kind: GuestError.Kind) -> StopReason {
        .guestError(GuestError(kind: kind, state: snapshot))
    }

    static let reasons: [(StopReason, Int32)] = [
        (.halted, 0),
        (.sleeping, 0),
        (.exception(GuestException(vector: 6, errorCode: nil, isCall: false, state: snapshot)), 125),
        (.exited(status: 0), 0),
        (.exited(status: 1), 1),
        (.exited(status: 64), 64),
        (.exited(status: 255), 255),
        (.reset(.keyboardController), 0),
        (.reset(.port92), 0),
        (.reset(.resetControl), 0),
        (.poweredOff, 0),
        (.panicked, 125),
        (.tripleFault(TripleFault(state: snapshot)), 125),
        (.deadline, 124),
        (.signal(2), 130),
        (.signal(15), 143),
        (.stopped, 130),
        (guestError(.entryFailure(reason: 0x8000_0021)), 125),
        (guestError(.emulationFailure), 125),
        (guestError(.internalError(suberror: 3)), 125),
        (guestError(.unexpectedExit("unknown(reason: 99)")), 125),
    ]

    @Test("each way that a run can end has the status that the manual says", arguments: reasons)
    func ofReasons(reason: StopReason, status: Int32) {
        #expect(ExitStatus(reason).rawValue == status)
    }

    static let refusal = Errno(rawValue: 13)

    static let errors: [(VMMError, Int32)] = [
        (.configuration("no"), 64),
        (.image(name: "x", .empty), 66),
        (.image(name: "x", .cannotOpen(refusal)), 66),
        (.image(name: "x", .elf(.noSegments)), 66),
        (.kvm(.cannotOpen(path: "/dev/kvm", refusal)), 69),
        (.kvm(.wrongVersion(11)), 69),
        (.kvm(.missingCapabilities([.userMemory])), 69),
        (.kvm(.kickSignalTaken(38)), 69),
        (.kvm(.call("run", refusal)), 70),
        (.fault("no"), 70),
        (.output(Errno(rawValue: 28)), 74),
    ]

    @Test("each error has the status that the manual says", arguments: errors)
    func ofErrors(error: VMMError, status: Int32) {
        #expect(ExitStatus(error).rawValue == status)
    }
}
