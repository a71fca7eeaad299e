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
            words:
                "the guest has no handler for what came at 0000:7c05: INT 0x10 was called, with AX 0xe41; only a boot sector has a BIOS here"
        ),
        End(
            name: "a Linux kernel that halts without a word", code: TinyKernel.bzImage([0xF4]), status: 0,
            words:
                "the guest halted; the guest printed nothing: a program in the form of a Linux kernel may need a BIOS, which only a boot sector has here"
        ),
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

    struct Verdict: CustomTestStringConvertible, Sendable {
        let code: [UInt8]
        let options: [String]
        let status: Int32
        /// The last line; nil where nothing is said.
        var words: String?

        var testDescription: String { "\(options.joined(separator: " ")), status \(status)" }
    }

    private static func missed(_ expected: String, _ end: String) -> String {
        "the guest was to end as \(expected), and did not: \(end)"
    }

    static let verdicts: [Verdict] = [
        Verdict(code: TinyGuest.halt, options: ["--expect", "halted"], status: 0),
        Verdict(
            code: TinyGuest.halt, options: ["--expect", "poweredOff"], status: 125,
            words: missed("poweredOff", "the guest halted")),
        Verdict(
            code: TinyGuest.halt, options: ["--expect", "0"], status: 125,
            words: missed("exited with status 0", "the guest halted")),
        Verdict(code: [0xFB, 0xF4], options: ["--expect", "sleeping"], status: 0),
        Verdict(
            code: [0xFB, 0xF4], options: ["--expect", "halted"], status: 125,
            words: missed(
                "halted",
                "the guest sleeps with interrupts on, and nothing in this machine can interrupt it; give it interrupt controllers with --irqchip full, or turn interrupts off before the last HLT"
            )),
        Verdict(code: TinyGuest.outWord(0x604, 0x2000), options: ["--expect", "poweredOff"], status: 0),
        Verdict(code: TinyGuest.out(0x64, 0xFE), options: ["--expect", "reset"], status: 0),
        Verdict(
            code: TinyGuest.out(0x64, 0xFE), options: ["--expect", "exited"], status: 125,
            words: missed("exited", "the guest reset the machine (keyboardController)")),
        Verdict(code: TinyGuest.out(0x505, 1), options: ["--expect", "panicked"], status: 0),
        Verdict(code: TinyGuest.out(0x500, 7), options: ["--expect", "7"], status: 0),
        Verdict(
            code: TinyGuest.out(0x500, 7), options: ["--expect", "8"], status: 125,
            words: missed("exited with status 8", "the guest ended with status 7")),
        Verdict(
            code: TinyGuest.out(0x500, 7), options: ["--expect", "exited"], status: 7,
            words: "the guest ended with status 7"),
        Verdict(code: TinyGuest.out(0x500, 0), options: ["--expect", "exited"], status: 0),
        // QEMU's port: 16 written is 33.
        Verdict(code: TinyGuest.out(0xF4, 16), options: ["--success-status", "33"], status: 0),
        Verdict(
            code: TinyGuest.out(0xF4, 17), options: ["--success-status", "33"], status: 35,
            words: "the guest ended with status 35"),
        Verdict(code: TinyGuest.out(0xF4, 16), options: ["--success-status", "33", "--expect", "exited"], status: 0),
        Verdict(
            code: TinyGuest.spin, options: ["--timeout", "0.1", "--expect", "halted"], status: 125,
            words: missed("halted", "the deadline passed before the guest ended")),
    ]

    @Test(
        "--expect makes any other end a failure, and --success-status a status of the guest's a success",
        arguments: verdicts)
    func expects(verdict: Verdict) async throws {
        let image = try scratch.write(verdict.code, to: "guest.bin")
        let outcome = try await scratch.swiftvmm(["run", image] + verdict.options)
        #expect(outcome.status == verdict.status, "\(outcome)")
        #expect(outcome.lastError == (verdict.words.map { "swiftvmm: \($0)" } ?? ""))
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
