import TestSupport
import Testing

/// What the options say of Multiboot and PVH kernels.
@Suite("Multiboot and PVH kernels by the command")
struct BootProtocolTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(Array("first line\nsecond\n".utf8), to: "plain")
        try scratch.write(Array("another".utf8), to: "with space")
    }

    private func run(_ guest: String, _ options: String...) async throws -> Outcome {
        try await scratch.swiftvmm(["run", Guests.path(guest)] + options)
    }

    @Test("a module is a file, or a file and behind the first space what the kernel is told of it", .requiresKVM)
    func modules() async throws {
        let outcome = try await run(
            "multiboot-modules.elf", "--cmdline", "a b", "--initrd", "plain one  two", "--initrd", "with space",
            "--initrd", "plain")
        #expect(outcome.status == 33)
        #expect(
            outcome.text == """
                Multiboot 1
                memory: 64 MiB
                command line: a b
                module 1 (one  two), 18 bytes: first line
                module 2 (space), 7 bytes: another
                module 3 (), 18 bytes: first line

                """)
    }

    @Test(
        "no output may go into a file that the guest is given",
        arguments: [
            ["--trace", "plain"], ["--report", "./plain"], ["--serial", "file:plain"], ["--disk", "plain"],
        ])
    func outputs(options: [String]) async throws {
        let outcome = try await scratch.swiftvmm(
            ["run", Guests.path("multiboot-modules.elf"), "--initrd", "plain some words"] + options)
        #expect(outcome.status == 64)
        #expect(outcome.lastError.hasSuffix(" are one file; name two"), "\(outcome)")
        #expect(try scratch.text("plain") == "first line\nsecond\n")
    }

    @Test("a command line that the guest is not given is said to have no effect", .requiresAnyKVM)
    func commandLineWithoutEffect() async throws {
        let outcome = try await run("real-hello.bin", "--cmdline", "words")
        #expect(outcome.status == 0)
        #expect(
            outcome.errors
                == "swiftvmm: --cmdline has no effect: a flat image, or a 32-bit one, is told of no command line\n")
        #expect(try await run("long-args.elf", "--cmdline", "words").errors == "")
    }

    @Test("what cannot be handed over is refused in words", .requiresKVM)
    func refused() async throws {
        expectRefusal(
            try await run("multiboot-modules.elf", "--initrd", "no/such one"), 66,
            "cannot give the guest the file no/such: No such file or directory; check its name")
        expectRefusal(
            try await run("long-hello.elf", "--initrd", "plain"), 64,
            "this image's boot protocol hands over no other file; leave --initrd out")
        try scratch.write([UInt8](repeating: 1, count: 2 << 20), to: "large")
        expectRefusal(
            try await run("pvh-hello.elf", "--memory", "3M", "--initrd", "large"), 64,
            "there is no room for the file of 2097152 bytes beside the image; give more with --memory")
    }

    @Test("inspect tells which header is honoured, where it is and what it asks for")
    func inspected() async throws {
        let second = try await scratch.swiftvmm("inspect", Guests.path("multiboot2-hello.elf"))
        #expect(second.status == 0)
        for line in [
            "format         Multiboot 2, because its header is there and adds up",
            "header         at offset 0x1000, 120 bytes, 5 tags",
            "tag 1          information request: 0x1 0x3 0x4 0x6 0x9",
            "tag 4          console flags, optional: 0x2", "enters it in protected mode at 0x",
        ] {
            #expect(second.text.contains(line), "\(second)")
        }
        let flat = try await scratch.swiftvmm("inspect", Guests.path("multiboot-flat.bin"))
        #expect(
            flat.text.contains(
                "header         at offset 0x0, flags 0x10003: modules on page boundaries, memory sizes, load addresses\n"
            ))
        #expect(flat.text.contains("addresses      header 0x200000, load 0x200000 to 0x"), "\(flat)")
        let pvh = try await scratch.swiftvmm("inspect", Guests.path("pvh-hello.elf"))
        #expect(pvh.text.contains("format         PVH, because an ELF note names its entry\n"), "\(pvh)")
        #expect(pvh.text.contains("PVH note       entry 0x200000\n"), "\(pvh)")
        let moved = try await scratch.swiftvmm("inspect", Guests.path("pie-hello.elf"))
        #expect(moved.text.contains("moved          by 0x100000, with 6 relocations\n"), "\(moved)")
    }

    @Test("a format that is given is insisted on")
    func insists() async throws {
        for (format, words) in [
            ("multiboot", "it has no Multiboot 1 header in its first 8 KiB; link the header's section first"),
            ("multiboot2", "it has no Multiboot 2 header in its first 32 KiB; link the header's section first"),
            (
                "pvh",
                "it has no ELF note with an entry for PVH (Xen, 18); link the note in, in a segment of its own (PT_NOTE)"
            ),
        ] {
            let guest = Guests.path("long-hello.elf")
            let outcome = try await scratch.swiftvmm("inspect", guest, "--format", format)
            #expect(outcome.status == 66)
            #expect(outcome.lastError == "swiftvmm: cannot boot \(guest): \(words)", "\(outcome)")
        }
        let flat = try await scratch.swiftvmm("inspect", Guests.path("multiboot-flat.bin"), "--format", "flat")
        #expect(flat.text.contains("run            enters it in real mode at 0x7c00\n"), "\(flat)")
    }
}
