import TestSupport
import Testing

@Suite("How a run ends", .requiresKVM)
struct StopTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    private func run(_ code: [UInt8], _ options: String...) async throws -> Outcome {
        try await scratch.swiftvmm(["run", try scratch.write(code, to: "guest.bin")] + options)
    }

    @Test("a value written to port 0xF4 ends the run with status (value << 1) | 1")
    func debugExit() async throws {
        let outcome = try await run(TinyGuest.out(0xF4, 0x10))
        expectRefusal(outcome, 33, "the guest ended with status 33")
    }

    @Test("of a wider value written to port 0x500 the low byte is the status")
    func plainExit() async throws {
        let outcome = try await run(TinyGuest.outWord(0x500, 0x1205))
        expectRefusal(outcome, 5, "the guest ended with status 5")
    }

    @Test("power-off is a good end")
    func powersOff() async throws {
        expectSuccess(try await run(TinyGuest.print("bye\n") + TinyGuest.outWord(0x604, 0x2000)), "bye\n")
    }

    @Test(
        "a reset is a good end, whichever device does it",
        arguments: [
            TinyGuest.out(0x64, 0xFE), TinyGuest.out(0x92, 1), TinyGuest.out(0xCF9, 2) + TinyGuest.out(0xCF9, 6),
        ])
    func resets(code: [UInt8]) async throws {
        expectSuccess(try await run(TinyGuest.print("again\n") + code + TinyGuest.spin), "again\n")
    }

    @Test("what is printed just before the end is not lost, whatever the end is")
    func printsBeforeTheEnd() async throws {
        let exited = try await run(TinyGuest.print("one") + TinyGuest.out(0x500, 7))
        #expect(exited.status == 7)
        #expect(exited.text == "one")
        // The first deadline is enough, but for a machine that is busy.
        var late = exited
        for timeout in ["0.5", "4", "32"] where late.text != "two" {
            late = try await run(TinyGuest.printAtOnce("two", then: TinyGuest.spin), "--timeout", timeout)
            #expect(late.status == 124)
        }
        #expect(late.text == "two")
        // UD2, where there is no interrupt descriptor table.
        let dead = try await run(TinyGuest.print("three") + [0x0F, 0x0B], "--mode", "protected")
        #expect(dead.status == 125, "\(dead)")
        #expect(dead.text == "three")
    }

    @Test("a jump to where no memory is ends with status 125, the place, and the registers")
    func jumpsAstray() async throws {
        // jmp 0xFFFF:0x0010, the first byte above the only megabyte.
        let outcome = try await run([0xEA, 0x10, 0x00, 0xFF, 0xFF], "--memory", "1M")
        #expect(outcome.status == 125, "\(outcome)")
        #expect(outcome.output == [])
        #expect(outcome.lastError.contains("0x100000"), "\(outcome)")
        #expect(outcome.lastError.contains("there is no memory there"), "\(outcome)")
        #expect(outcome.errors.contains("\ncode at 0x100000: no memory\n"), "\(outcome)")
    }

    @Test("the shortest deadlines end the run too", arguments: ["0.001", "1e-9", "1e-300"])
    func shortDeadline(seconds: String) async throws {
        let outcome = try await run(TinyGuest.spin, "--timeout", seconds)
        expectRefusal(outcome, 124, "the deadline passed before the guest ended")
    }

    @Test("a guest that ends in time knows nothing of its deadline")
    func longDeadline() async throws {
        let outcome = try await scratch.swiftvmm("run", Guests.path("real-hello.bin"), "--timeout", "999999999")
        expectSuccess(outcome, "Hello from real mode!\n")
    }

    @Test(
        "a 32-bit ELF file is entered in protected mode, a 64-bit one in long mode, a virtual entry at its physical place"
    )
    func runsELF() async throws {
        var linkedHigh = TinyELF()
        linkedHigh.segments[0].virtualAddress = 0xFFFF_FFFF_8000_0000
        linkedHigh.entry = 0xFFFF_FFFF_8000_0000
        for elf in [TinyELF.elf32, TinyELF(), linkedHigh] {
            expectSuccess(try await run(elf.bytes), "E")
        }
    }

    @Test("--format flat takes a file that begins like an ELF file as the bytes that it is")
    func runsELFAsFlat() async throws {
        // 7F 45 is a jump: jg +0x45, taken with the flags that a guest starts with.
        let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
        let image = magic + [UInt8](repeating: 0, count: 0x43) + TinyGuest.print("flat") + TinyGuest.halt
        expectSuccess(try await run(image, "--format", "flat"), "flat")
        #expect(try await run(image).status == 66)
    }
}
