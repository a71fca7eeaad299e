import Glibc
import TestSupport
import Testing

@testable import swiftvmm

/// A kernel that unpacks itself by spinning.
@Suite("A compressed kernel where KVM runs kernels in software", .requiresKVM)
struct SlowKernelTests {
    private let scratch: Scratch
    /// SAFETY: a C string for the length of the call.
    private let isInSoftware = unsafe access("/sys/module/kvm_pvm", F_OK) == 0

    init() throws {
        scratch = try Scratch()
    }

    private func run(_ code: [UInt8], timeout: String = "0.5") async throws -> Outcome {
        try scratch.write(TinyKernel.bzImage(code), to: "kernel")
        return try await scratch.swiftvmm("run", "kernel", "--memory", "64M", "--timeout", timeout)
    }

    @Test("is said to be silent at its start and at the deadline, with the remedy, and nowhere else")
    func silent() async throws {
        let outcome = try await run([0xEB, 0xFE])
        #expect(outcome.status == 124)
        let note = HostAdvice.slowUnpacking
        #expect(outcome.errors.hasPrefix("swiftvmm: \(note)\n") == isInSoftware, "\(outcome)")
        let end = "swiftvmm: the deadline passed before the guest ended"
        #expect(outcome.lastError == (isInSoftware ? "\(end); the guest printed nothing: \(note)" : end))
    }

    @Test("one that prints was not silent")
    func prints() async throws {
        // mov $'!', %al; out %al, $0xe9; and then it spins.
        let code: [UInt8] = [0xB0, 0x21, 0xE6, 0xE9, 0xEB, 0xFE]
        var outcome = try await run(code)
        // The first deadline is enough, but for a machine that is busy.
        for timeout in ["4", "32"] where outcome.text != "!" { outcome = try await run(code, timeout: timeout) }
        #expect(outcome.text == "!")
        #expect(outcome.lastError == "swiftvmm: the deadline passed before the guest ended")
    }

    @Test("a kernel that is not compressed needs no advice")
    func others() async throws {
        let guest = try scratch.write(TinyGuest.spin, to: "spin.bin")
        let outcome = try await scratch.swiftvmm("run", guest, "--timeout", "0.2")
        #expect(outcome.lastError == "swiftvmm: the deadline passed before the guest ended")
        #expect(!outcome.errors.contains("compressed"), "\(outcome)")
    }
}
