import TestSupport
import Testing

/// What is said of ends that a guest's author did not mean.
@Suite("Words about the end of a guest", .requiresKVM)
struct EndWordsTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    struct End: CustomTestStringConvertible, Sendable {
        let name: String
        let code: [UInt8]
        var options: [String] = []
        let status: Int32
        let words: String

        var testDescription: String { name }
    }

    static let ends: [End] = [
        End(
            name: "sti; hlt without controllers", code: [0xFB, 0xF4], status: 0,
            words:
                "the guest sleeps with interrupts on, and nothing in this machine can interrupt it; give it interrupt controllers with --irqchip full, or turn interrupts off before the last HLT"
        ),
        End(
            name: "ud2 in real mode", code: [0x0F, 0x0B], status: 125,
            words: "the guest has no handler for what came at 0000:7c00: #UD, an invalid instruction"),
        End(
            name: "a BIOS call", code: [0xB8, 0x41, 0x0E, 0xCD, 0x10], status: 125,
            words: "the guest has no handler for what came at 0000:7c05: INT 0x10 was called, with AX 0xe41"),
        End(
            name: "ud2 in long mode", code: [0x0F, 0x0B], options: ["--mode", "long"], status: 125,
            words: "the guest has no handler for what came at 0x100000: #UD, an invalid instruction"),
    ]

    @Test("each is told by its name and place", arguments: ends)
    func says(end: End) async throws {
        let image = try scratch.write(end.code, to: "guest.bin")
        let outcome = try await scratch.swiftvmm(["run", image, "--timeout", "250"] + end.options)
        #expect(outcome.status == end.status, "\(outcome)")
        #expect(outcome.lastError == "swiftvmm: \(end.words)", "\(outcome)")
    }

    @Test("where each vCPU was is told at the deadline, and stands in the report, with the symbol of an ELF image")
    func places() async throws {
        let outcome = try await scratch.swiftvmm([
            "run", Guests.path("smp-count.elf"), "--cpus", "2", "--cmdline", "cpus=3", "--timeout", "3", "--report",
            "report.json",
        ])
        #expect(outcome.status == 124)
        #expect(outcome.errors.contains(/vCPU 0 was at 0x[0-9a-f]+ \(wait_for(\+0x[0-9a-f]+)?\)\n/), "\(outcome)")
        #expect(outcome.errors.contains(/vCPU 1 was at 0x[0-9a-f]+ \([a-z_]+(\+0x[0-9a-f]+)?\)\n/), "\(outcome)")
        let report = String(decoding: try scratch.read("report.json"), as: UTF8.self)
        #expect(report.contains("\"rip\""))
    }
}
