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
                "KVM", "backend", "nested", "addresses", "ring 0", "ring 3", "port exit", "MMIO exit", "ioeventfd",
                "coalesced I/O", "irqfd", "single step",
            ])
        #expect(outcome.text.hasPrefix("KVM            usable; "))
    }

    @Test("where no machine can be made the status is 69, and the last line says why", .requiresKVM)
    func noMachine() async throws {
        // Room for the standard streams and for /dev/kvm, and for nothing more.
        let outcome = try await Scratch().shell("ulimit -n 4; exec \"$0\" doctor")
        #expect(outcome.status == 69, "\(outcome)")
        #expect(outcome.text.hasPrefix("KVM            not usable; "))
        #expect(outcome.lastError.hasPrefix("swiftvmm: no guest can run here: "))
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while isDropped: (Character) -> Bool) -> String {
        String(reversed().drop(while: isDropped).reversed())
    }
}
