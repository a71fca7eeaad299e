import FoundationEssentials
import TestSupport
import Testing

@Suite("The guests of guests/")
struct GuestTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// A guest, the options that it is run with, and all that it prints. It ends with status 0 and nothing else said.
    struct Row: CustomTestStringConvertible, Sendable {
        let guest: String
        var options: [String] = []
        let output: String

        var testDescription: String { ([guest] + options).joined(separator: " ") }
    }

    static let rows = [
        Row(guest: "real-hello.bin", output: "Hello from real mode!\n"),
        Row(guest: "real-outsb.bin", output: "Hello from REP OUTSB!\n"),
        Row(guest: "real-insb.bin", output: "REP INSB: 16 bytes, all 0xe9\n"),
        Row(guest: "real-a20.bin", output: "A20 is on\n"),
        Row(guest: "real-uart-selftest.bin", output: "16550A: every check passed\n"),
        Row(guest: "real-hello.bin", options: ["--mode", "real"], output: "Hello from real mode!\n"),
        Row(guest: "protected-hello.bin", options: ["--mode", "protected"], output: "Hello from protected mode!\n"),
        Row(guest: "long-hello.bin", options: ["--mode", "long"], output: "Hello from long mode!\n"),
        Row(guest: "long-hello.elf", output: "Hello from long mode!\n"),
        Row(guest: "long-hello.elf", options: ["--format", "elf"], output: "Hello from long mode!\n"),
        Row(
            guest: "long-args.elf", options: ["--cmdline", "hello guest, \u{E9}t\u{E9} = \"1\""],
            output: """
                command line: hello guest, \u{E9}t\u{E9} = "1"
                e820: 0x0000000000000000-0x000000000000ffff reserved
                e820: 0x0000000000010000-0x000000000009fbff usable
                e820: 0x000000000009fc00-0x000000000009ffff reserved
                e820: 0x00000000000e0000-0x00000000000fffff reserved
                e820: 0x0000000000100000-0x0000000003ffffff usable
                e820: 0x00000000fffbc000-0x00000000fffbffff reserved

                """),
        Row(
            guest: "long-args.elf", options: ["--memory", "5G"],
            output: """
                command line:\u{20}
                e820: 0x0000000000000000-0x000000000000ffff reserved
                e820: 0x0000000000010000-0x000000000009fbff usable
                e820: 0x000000000009fc00-0x000000000009ffff reserved
                e820: 0x00000000000e0000-0x00000000000fffff reserved
                e820: 0x0000000000100000-0x00000000bfffffff usable
                e820: 0x00000000fffbc000-0x00000000fffbffff reserved
                e820: 0x0000000100000000-0x000000017fffffff usable

                """),
        Row(guest: "long-memory.elf", output: "memory: 66649088 bytes in 2 regions verified\n"),
        Row(
            guest: "long-memory.elf", options: ["--memory", "5G"],
            output: "memory: 5368249344 bytes in 3 regions verified\n"),
        Row(
            guest: "long-exceptions.elf",
            output: """
                caught #DE (vector 0)
                caught #UD (vector 6)
                caught #PF (vector 14), error 0x0, address 0x123456789abc
                caught #PF (vector 14), error 0x2, address 0x123456789abc
                caught #GP (vector 13), error 0x0
                caught #GP (vector 13), error 0xf8

                """),
        Row(
            guest: "long-ring3.elf",
            output: """
                ring 0: privilege level 0
                ring 3: privilege level 3
                ring 3: 9592 primes below 100000

                """),
    ]

    @Test("a guest prints exactly what it should, and nothing else is said", .requiresKVM, arguments: rows)
    func prints(row: Row) async throws {
        let outcome = try await scratch.swiftvmm(["run", Guests.path(row.guest)] + row.options)
        expectSuccess(outcome, row.output)
    }

    @Test(
        "a guest chooses its status with the byte at offset 1", .requiresKVM,
        arguments: [nil, 0, 1, 42, 255] as [UInt8?])
    func choosesStatus(status: UInt8?) async throws {
        var image = try Scratch.contents(ofFile: Guests.path("real-exit.bin"))
        if let status { image[1] = status }
        let outcome = try await scratch.swiftvmm("run", try scratch.write(image, to: "exit.bin"))
        let expected = Int32(status ?? 42)
        #expect(outcome.status == expected)
        #expect(outcome.output == [])
        #expect(outcome.errors == (expected == 0 ? "" : "swiftvmm: the guest ended with status \(expected)\n"))
    }

    @Test("real-echo sends back its input up to Ctrl-D", .requiresKVM)
    func echoes() async throws {
        try scratch.write(Array("one\ntwo\u{4}three".utf8), to: "input")
        let outcome = try await scratch.swiftvmm("run", Guests.path("real-echo.bin"), redirection: "<input")
        expectSuccess(outcome, "one\ntwo")
    }

    @Test("triple-fault ends with status 125 and shows the registers before it says why", .requiresKVM)
    func tripleFaults() async throws {
        let outcome = try await scratch.swiftvmm("run", Guests.path("triple-fault.bin"))
        #expect(outcome.status == 125)
        #expect(outcome.output == [])
        #expect(outcome.lastError.hasPrefix("swiftvmm: the guest caused a triple fault"))
        #expect(outcome.lastError.contains(", an exception that it could not handle: "))
        let lines = outcome.errors.split(separator: "\n")
        for name in ["rax ", "rip ", "cr0 ", "cs ", "gdt ", "code at 0x"] {
            #expect(outcome.errors.contains(name), "\(outcome.errors)")
        }
        if FileManager.default.fileExists(atPath: "/sys/module/kvm_amd") {
            // AMD-V loses the state, and KVM resets the vCPU (Linux, shutdown_interception in svm.c).
            #expect(lines.contains("These are the registers after a reset: this host loses them at a triple fault."))
        } else {
            #expect(lines.contains { $0.hasPrefix("code at 0x") && $0.contains(": 0f 0b ") }, "the bytes of UD2")
        }
        #expect(lines.dropLast().allSatisfy { $0.count <= 80 }, "\(outcome.errors)")
    }

    @Test("spin ends when the deadline passes, not before, with status 124", .requiresKVM)
    func spins() async throws {
        let outcome = try await scratch.swiftvmm("run", Guests.path("spin.bin"), "--timeout", "1")
        expectRefusal(outcome, 124, "the deadline passed before the guest ended")
        #expect(outcome.seconds >= 1)
    }
}
