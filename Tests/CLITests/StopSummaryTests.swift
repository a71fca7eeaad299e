import DeviceModel
import KVM
import Testing

@testable import VMM
@testable import swiftvmm

@Suite("How a run's end is told")
struct StopSummaryTests {
    static let reasons: [(StopReason, String, String)] = [
        (.halted, "halted", "the guest halted"),
        (.exited(status: 7), "exited", "the guest ended with status 7"),
        (.reset(.port92), "reset", "the guest reset the machine (port92)"),
        (.poweredOff, "poweredOff", "the guest powered the machine off"),
        (.panicked, "panicked", "the guest's kernel panicked, as it told by the panic port"),
        (
            .tripleFault(TripleFault(state: ExitStatusTests.snapshot)), "tripleFault",
            "the guest caused a triple fault at 0000:0000, an exception that it could not handle: its stack at 0x0 is not in memory"
        ),
        (.deadline, "deadline", "the deadline passed before the guest ended"),
        (.signal(2), "signal", "ended by SIGINT"),
        (.signal(15), "signal", "ended by SIGTERM"),
        (.stopped, "stopped", "quit with Ctrl-A x"),
        (
            ExitStatusTests.guestError(.entryFailure(reason: 0x8000_0021)), "guestError",
            // With the rule that the state breaks: here it has nothing but zeros.
            "the processor refused to enter the guest: hardware reason 0x80000021; CS is not present; it must always hold a "
                + "present segment (Intel SDM vol. 3C section 27.3.1.2)"
        ),
        (
            ExitStatusTests.guestError(.internalError(suberror: 3)), "guestError",
            "KVM gave up with internal error 3"
        ),
    ]

    @Test("each way that a run can end has a word for programs and a line for people", arguments: reasons)
    func tells(reason: StopReason, word: String, message: String) {
        let summary = StopSummary(reason, unwritten: 0)
        #expect(summary.reason == word)
        #expect(summary.message == message)
        #expect(summary.status == ExitStatus(reason))
    }

    @Test("why a guest printed nothing is told where it did not end by itself, or only halted")
    func tellsOfSilence() {
        for (reason, _, message) in Self.reasons {
            let isTold =
                switch reason {
                case .halted, .deadline, .signal, .stopped: true
                default: false
                }
            let summary = StopSummary(reason, unwritten: 0, whySilent: "it is slow")
            #expect(summary.message == message + (isTold ? "; the guest printed nothing: it is slow" : ""))
        }
    }

    @Test(
        "where the processor could not go on the registers are shown, and nowhere else",
        arguments: ExitStatusTests.reasons)
    func showsRegisters(reason: StopReason, status: Int32) {
        let detail = StopSummary(reason, unwritten: 0).detail
        #expect((detail != nil) == (status == 125 && reason != .panicked))
        if let detail { #expect(detail == ExitStatusTests.snapshot.description) }
    }

    @Test("an instruction that cannot be emulated is shown in bytes and by name, with what to do")
    func tellsOfEmulation() {
        let summary = StopSummary(ExitStatusTests.guestError(.emulationFailure), unwritten: 0)
        #expect(summary.message.hasPrefix("KVM cannot emulate the instruction at 0x0, 0f 0b"))
        #expect(summary.message.contains("a host with VT-x or AMD-V"))
        #expect(!summary.message.contains("\n"))
    }

    @Test("output that nobody took is told, with its size")
    func tellsOfUnwritten() {
        let summary = StopSummary(.deadline, unwritten: 3)
        #expect(summary.message.hasSuffix("ended; 3 bytes of its output were not taken by their reader"))
    }

    @Test("an error is told in its own words, in one line", arguments: ExitStatusTests.errors)
    func tellsOfErrors(error: VMMError, status: Int32) {
        let summary = StopSummary(RunOptions(image: "guest").failure(error))
        #expect(summary.reason == "error")
        #expect(summary.status.rawValue == status)
        #expect(summary.message == error.description)
        #expect(!summary.message.contains("\n"))
        #expect(summary.detail == nil)
    }
}
