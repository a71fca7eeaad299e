import TestSupport
import Testing

@Suite("swiftvmm doctor")
struct DoctorTests {
    @Test("every trial has a line, and the status is 0", .requiresKVM)
    func everyTrial() async throws {
        let outcome = try await Scratch().swiftvmm("doctor")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        let names = outcome.text.split(separator: "\n").map { $0.prefix(15).trimmingSuffix(while: { $0 == " " }) }
        #expect(
            names == [
                "KVM", "back end", "nested", "addresses", "ring 0", "ring 3", "port exit", "MMIO exit", "ioeventfd",
                "coalesced I/O", "irqfd", "single step",
            ])
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while isDropped: (Character) -> Bool) -> String {
        String(reversed().drop(while: isDropped).reversed())
    }
}
