import GuestTesting
import SystemPackage
import Testing

@Suite("A guest in a test", .requiresKVM)
struct ExpectationTests {
    @Test("a guest that prints and ends as expected passes, by whole output and by a part")
    func passes() async throws {
        try await Guest.printing("one\ntwo\n", exit: 7).expect(output: "one\ntwo\n", exit: 7)
        try await Guest.printing("one\ntwo\n").expect(output: .containing("e\nt"), exit: 0)
        try await Guest.printing("anything").expect(exit: 0)
        try await Guest.built("real-hello.bin").expect(output: "Hello from real mode!\n", end: .halted)
    }

    @Test("another end than the expected one is told whole: place, end, output, registers, report")
    func wrongEnd() async throws {
        let line: UInt = #line + 1
        let failed = await failure { try await Guest.printing("ready\n", exit: 3).expect(output: "ready\n", exit: 0) }
        let text = try #require(failed).description
        let outcome = try #require(failed?.outcome)
        // At the last instruction or behind it, and with looks at the deadline or without: hosts and moments differ.
        let place = try #require(outcome.vcpus[0]).place
        #expect(["0000:7c1d", "0000:7c1e"].contains(place))
        let exits = outcome.report.exitsByKind
        #expect(exits["portWrite"] == 7)
        #expect(Set(exits.keys).isSubset(of: ["portWrite", "interrupted"]))
        #expect(
            text.hasPrefix(
                """
                GuestTestingTests/ExpectationTests.swift:\(line): the image of 30 bytes in memory: \
                the guest ended with status 3; expected: the guest ended with status 0
                output:
                  | ready
                vCPU 0 at \(place):
                  rax 0000000000000003  rbx
                """), "\(text)")
        #expect(text.contains("\nrun: "))
        // The most frequent first.
        let kinds = exits.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map { "\($0.key) \($0.value)" }
            .joined(separator: ", ")
        #expect(text.contains(" \(outcome.report.exitCount) exits (\(kinds))"), "\(text)")
        #expect(failed?.outcome?.reason == .exited(status: 3))
        #expect(failed?.output == Array("ready\n".utf8))
    }

    @Test(
        "other output is told by its first line that differs",
        arguments: [
            ("one\r\ntwo\n", "one\ntwo\n", #"line 1 of its output is "one\r\n"; expected is "one\n""#),
            ("one\n", "one\ntwo\n", #"line 2 of its output is nothing more; expected is "two\n""#),
            ("one\ntwo", "one\n", #"line 2 of its output is "two"; expected is nothing more"#),
            ("\u{1B}[1mone", "one", #"line 1 of its output is "\u{1B}[1mone"; expected is "one""#),
            ("", "x", #"line 1 of its output is nothing more; expected is "x""#),
        ])
    func wrongOutput(found: String, expected: String, words: String) async throws {
        let failed = await failure { try await Guest.printing(found).expect(output: .exactly(expected), exit: 0) }
        #expect(failed?.what == words)
        let text = try #require(failed).description
        #expect(text.contains("\nend: the guest ended with status 0\n"), "\(text)")
        // Nothing that a terminal would act on.
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" }, "\(text)")
    }

    @Test("a part that was not printed is told")
    func missingPart() async throws {
        let failed = await failure { try await Guest.printing("one").expect(output: .containing("two"), exit: 0) }
        #expect(failed?.what == #"it did not print "two""#)
    }

    @Test("of much output the end is shown, and of long lines the beginning")
    func longOutput() async throws {
        let text = (0..<50).map { "\($0)\n" }.joined() + String(repeating: "x", count: 300)
        let failed = try #require(await failure { try await Guest.printing(text).expect(exit: 1) }).description
        #expect(failed.contains("\noutput, the last 40 of 51 lines:\n  | 11\n"), "\(failed)")
        #expect(failed.contains("\n  | 49\n  | \(String(repeating: "x", count: 200))…\n"), "\(failed)")
    }

    @Test("an exception without a handler is told with the registers as it found them")
    func exception() async throws {
        // movb $5, %al; ud2
        let failed = try #require(await failure { try await Guest.code([0xB0, 5, 0x0F, 0x0B]).expect(exit: 0) })
        let text = failed.description
        #expect(failed.what.hasPrefix("the guest has no handler for what came at 0000:7c02: #UD"), "\(text)")
        #expect(text.contains("\nit printed nothing\nregisters at 0000:7c02:\n  rax 0000000000000005"), "\(text)")
    }

    @Test("a guest that hangs is stopped at its deadline, and told where it was")
    func deadline() async throws {
        let guest = Guest.built("spin.bin").deadline(.milliseconds(1))
        let failed = try #require(await failure { try await guest.expect(exit: 0) })
        #expect(failed.what.hasPrefix("the deadline passed before the guest ended; expected: "))
        #expect(failed.description.contains("vCPU 0 at 0000:7c"), "\(failed)")
        #expect(try await guest.run().reason == .deadline)
    }

    @Test("an image that cannot be booted is told in the library's words")
    func missingImage() async throws {
        let failed = try #require(await failure { try await Guest("/nowhere/kernel.elf").expect(exit: 0) })
        #expect(failed.what == "cannot boot /nowhere/kernel.elf: No such file or directory; check its name")
        #expect(failed.outcome == nil)
        #expect(failed.description.hasPrefix("GuestTestingTests/ExpectationTests.swift:"))
    }

    @Test("a guest that prints without end is stopped")
    func endlessOutput() async throws {
        let guest = Guest.built("long-virtio-flood.elf").console(.virtio)
        let failed = try #require(await failure { try await guest.expect(exit: 0) })
        #expect(failed.what == "it printed more than 16 MiB, and was stopped")
        #expect(failed.output.count == 16 << 20)
        #expect(failed.outcome?.reason == .stopped && failed.outcome?.vcpus.count == 1)
        #expect((failed.outcome?.report.exitCount ?? 0) > 0)
        #expect(failed.description.utf8.count < 20_000)
    }

    @Test("a guest whose output cannot be written is told with its registers and report")
    func outputFails() async throws {
        let full = try FileDescriptor.open(FilePath("/dev/full"), .writeOnly)
        defer { try? full.close() }
        // movw $0x3f8, %dx; outb %al, %dx; hlt
        let guest = Guest.code([0xBA, 0xF8, 3, 0xEE, 0xF4]).configure {
            $0.devices = [.uart(UARTConfiguration(output: ConsoleOutput(descriptor: full.rawValue)))]
        }
        let failed = try #require(await failure { try await guest.expect(exit: 0) })
        #expect(
            failed.what
                == "cannot write the guest's output: No space left on device; free some space or redirect it elsewhere")
        #expect(failed.description.contains("\nvCPU 0 at 0000:7c"), "\(failed)")
        #expect(failed.description.contains("\nrun: "), "\(failed)")
    }

    @Test("a guest is a value: what varies one leaves it as it was", arguments: [1, 3])
    func cpus(count: Int) async throws {
        let guest = Guest.built("long-cpus.elf").interruptControllers(.full).commandLine("\(count)")
        let all = guest.cpus(count)
        try await all.expect(output: .containing("\(count) vCPUs are asleep\n"), end: .halted)
        try await all.expect(output: .containing("\(count) vCPUs are asleep\n"), end: .halted)
        #expect(try await all.run().vcpus.count == count)
        #expect(try await guest.commandLine("1").run().vcpus.count == 1)
    }

    @Test("memory is as it was asked for", arguments: [MemorySize.mebibytes(8), .gibibytes(1)])
    func memory(size: MemorySize) async throws {
        let guest = Guest.built("pvh-hello.elf").memory(size)
        try await guest.expect(output: .containing("memory: \(size.bytes >> 20) MiB\n"), exit: 33)
    }

    @Test("more memory than there can be is a failure in words")
    func tooMuchMemory() async throws {
        let failed = await failure { try await Guest.printing("").memory(.gibibytes(.max)).run() }
        #expect(failed?.outcome == nil)
        #expect(failed?.what.contains("memory") == true, "\(failed?.what ?? "")")
    }
}
