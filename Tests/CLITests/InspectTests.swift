import TestSupport
import Testing

@Suite("swiftvmm inspect")
struct InspectTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    private static let magic = "ELF, because it begins with the magic number 7f 45 4c 46"

    @Test("a flat image: its format, the memory that it needs, where it goes and how it is entered")
    func flat() async throws {
        try scratch.write(TinyGuest.print("!") + TinyGuest.halt, to: "guest.bin")
        expectSuccess(
            try await scratch.swiftvmm("inspect", "guest.bin"),
            """
            image          guest.bin, 5 bytes
            format         flat, because no other format is recognized in it
            memory         1M needed, 64M given
            loads          contents to 0x7c00: 5 bytes
            run            enters it in real mode at 0x7c00

            """)
    }

    @Test("--plan shows the machine that it would run on, with memory, devices and tables")
    func plan() async throws {
        let guest = Guests.path("long-hello.elf")
        let plain = try await scratch.swiftvmm("inspect", guest)
        let outcome = try await scratch.swiftvmm(
            "inspect", guest, "--plan", "--cpus", "3", "--memory", "5G", "--disk", "a", "--disk", "b,ro")
        #expect(outcome.status == 0)
        let lines = outcome.text.split(separator: "\n").map(String.init)
        #expect(outcome.text.hasPrefix(plain.text.split(separator: "\n")[0] + "\n"))
        for line in [
            "vCPUs          3", "irqchip        full", "memory         0x100000-0xbfffffff usable",
            "memory         0x100000000-0x17fffffff usable", "device         uart, ports 0x3f8-0x3ff, GSI 4",
            "device         disk0, memory 0xd0000000-0xd0000fff, GSI 5",
            "device         disk1, memory 0xd0001000-0xd0001fff, GSI 6", "device         post, port 0x80",
            "table          ACPI RSDP at 0xe1000: 36 bytes", "table          boot parameters at 0x3000: 4096 bytes",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        // A machine that cannot be is told as run tells it.
        let none = try await scratch.swiftvmm("inspect", guest, "--plan", "--cpus", "2", "--irqchip", "none")
        #expect(none.status == 64)
        #expect(none.lastError.contains("2 vCPUs need interrupt controllers"), "\(none)")
    }

    @Test("--plan shows where the files beside the image go, and the command line that the guest is told")
    func planOfModules() async throws {
        try scratch.write(Array("hello".utf8), to: "plain")
        func plan(_ guest: String, _ options: String...) async throws -> Outcome {
            try await scratch.swiftvmm(["inspect", guest, "--plan"] + options)
        }
        let modules = try await plan(
            Guests.path("multiboot-modules.elf"), "--initrd", "plain some words", "--initrd", "plain", "--cmdline",
            "a b",
            "--virtio-port", "log=file:missing/log")
        #expect(modules.status == 0 && modules.errors == "", "\(modules)")
        #expect(modules.text.contains(#/\nloads {10}module 0 to 0x[0-9a-f]+000: 5 bytes\n/#), "\(modules)")
        #expect(modules.text.contains(#/\nloads {10}module 1 to 0x[0-9a-f]+000: 5 bytes\n/#), "\(modules)")
        #expect(
            modules.text.hasSuffix("\ntold           the command line: a b virtio_mmio.device=4K@0xd0000000:5\n"),
            "\(modules)")
        try scratch.write(TinyKernel.bzImage([0xF4]), to: "kernel")
        let linux = try await plan("kernel", "--console", "virtio", "--cmdline", "quiet", "--initrd", "plain")
        #expect(linux.text.contains("\nloads          module 0 to 0x1ffff000: 5 bytes\n"), "\(linux)")
        let line = "\ntold           the command line: console=ttyS0 console=hvc0 panic=-1 quiet\n"
        #expect(linux.text.hasSuffix(line), "\(linux)")
        let flat = try await plan(Guests.path("real-hello.bin"), "--cmdline", "words")
        #expect(flat.status == 0 && !flat.text.contains("\ntold "), "\(flat)")
        #expect(flat.errors.hasPrefix("swiftvmm: --cmdline has no effect: "), "\(flat)")
    }

    @Test("what the plan cannot have is refused as run does it")
    func planRefusals() async throws {
        let guest = Guests.path("long-hello.elf")
        for (options, status, message) in [
            (
                ["--console", "virtio", "--virtio-console", "null"], 64,
                "--console gives the virtio-console standard input, and --virtio-console connects it elsewhere; leave one of them out"
            ),
            (
                ["--initrd", "missing"], 66,
                "cannot give the guest the file missing: No such file or directory; check its name"
            ),
        ] as [([String], Int32, String)] {
            let outcome = try await scratch.swiftvmm(["inspect", guest, "--plan"] + options)
            #expect(outcome.status == status && outcome.lastError == "swiftvmm: \(message)", "\(outcome)")
        }
        for options in [["--initrd", "a"], ["--cmdline", "a"], ["--console", "uart"], ["--virtio-port", "a=null"]] {
            let alone = try await scratch.swiftvmm(["inspect", guest] + options)
            #expect(alone.status == 64 && alone.lastError.contains("--plan"), "\(alone)")
        }
    }

    @Test("the devices of the plan are those of a run, in the same order", .requiresKVM)
    func planOfRun() async throws {
        try scratch.write([UInt8](repeating: 0, count: 512), to: "disk")
        let options = [
            "--rng", "--disk", "disk,ro", "--virtio-port", "log=null", "--console", "uart2", "--cmdline", "x",
        ]
        let guest = Guests.path("long-hello.elf")
        let run = try await scratch.swiftvmm(["run", guest, "--report", "report"] + options)
        #expect(run.status == 0, "\(run)")
        let devices = try #require(try Report(try scratch.read("report")).run?.devices.map(\.name))
        #expect(devices.suffix(5) == ["uart", "uart2", "virtio-console", "disk0", "rng0"])
        let plan = try await scratch.swiftvmm(["inspect", guest, "--plan"] + options)
        let planned = plan.text.matches(of: #/\ndevice +([a-zA-Z0-9-]+),/#).map { String($0.1) }
        #expect(planned == devices, "\(plan)")
    }

    @Test("options say what it is, how it is entered and on which machine", arguments: ["protected", "long"])
    func options(mode: String) async throws {
        try scratch.write(TinyELF().bytes, to: "guest.elf")
        expectSuccess(
            try await scratch.swiftvmm(
                "inspect", "guest.elf", "--format", "flat", "--mode", mode, "--memory", "2048k"),
            """
            image          guest.elf, 4104 bytes
            format         flat, because --format says so
            memory         1032K needed, 2M given
            loads          contents to 0x100000: 4104 bytes
            run            enters it in \(mode) mode at 0x100000

            """)
    }

    @Test("a 64-bit ELF file: its headers, and its entry as written and as a physical place")
    func elf64() async throws {
        var elf = TinyELF()
        elf.segments = [
            TinyELF.Segment(virtualAddress: 0xFFFF_FFFF_8000_0000, memorySize: 0x2000),
            TinyELF.Segment(physicalAddress: 0x1_0000_0000, fileSize: 0, memorySize: 1),
        ]
        elf.entry = 0xFFFF_FFFF_8000_0004
        try scratch.write(elf.bytes, to: "guest.elf")
        expectSuccess(
            try await scratch.swiftvmm("inspect", "guest.elf", "--memory", "4G"),
            """
            image          guest.elf, 4104 bytes
            format         \(Self.magic)
            class          64-bit, little-endian
            machine        x86-64 (62)
            type           executable with fixed addresses (2)
            entry          0xffffffff80000004, physical 0x100004
            headers        2 of 56 bytes at offset 0x40
            segment 0      8 bytes at offset 0x1000; 8192 bytes at physical 0x100000, virtual 0xffffffff80000000; r-x
            segment 1      0 bytes at offset 0x1000; 1 bytes at physical 0x100000000, virtual 0x100000; r-x
            memory         3145732K needed, 4G given
            loads          ELF segment 0 to 0x100000: 8 bytes, with zeros up to 8192
            loads          ELF segment 1 to 0x100000000: 0 bytes, with zeros up to 1
            run            enters it in long mode at 0x100004

            """)
    }

    @Test("a 32-bit ELF file that is said to be one")
    func elf32() async throws {
        try scratch.write(TinyELF.elf32.bytes, to: "guest.elf")
        expectSuccess(
            try await scratch.swiftvmm("inspect", "guest.elf", "--format", "elf"),
            """
            image          guest.elf, 4104 bytes
            format         ELF, because --format says so
            class          32-bit, little-endian
            machine        i386 (3)
            type           executable with fixed addresses (2)
            entry          0x100000, physical 0x100000
            headers        1 of 32 bytes at offset 0x34
            segment 0      8 bytes at offset 0x1000; 8 bytes at physical 0x100000, virtual 0x100000; r-x
            memory         1028K needed, 64M given
            loads          ELF segment 0 to 0x100000: 8 bytes
            run            enters it in protected mode at 0x100000

            """)
    }

    @Test(
        "each of the project's guests can be inspected",
        arguments: [
            ("real-hello.bin", "real mode at 0x7c00"), ("triple-fault.bin", "real mode at 0x7c00"),
            ("long-hello.elf", "long mode at 0x100000"), ("long-args.elf", "long mode at 0x100000"),
            ("long-ring3.elf", "long mode at 0x100000"),
        ])
    func guests(name: String, entry: String) async throws {
        let outcome = try await scratch.swiftvmm("inspect", Guests.path(name))
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        #expect(outcome.text.hasSuffix("\nrun            enters it in \(entry)\n"), "\(outcome)")
    }

    @Test("an answer that cannot be written is a failure, whatever it is", arguments: [">&-", ">/dev/full"])
    func answerLost(redirection: String) async throws {
        try scratch.write(TinyGuest.halt, to: "good.bin")
        try scratch.write(Array(TinyELF().bytes.prefix(100)), to: "bad.elf")
        for name in ["good.bin", "bad.elf"] {
            expectRefusal(
                try await scratch.swiftvmm("inspect", name, redirection: redirection), 74,
                "cannot write to standard output")
        }
    }

    @Test("its help names its options and statuses", arguments: [["inspect", "--help"], ["help", "inspect"]])
    func help(arguments: [String]) async throws {
        let outcome = try await scratch.swiftvmm(arguments)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        let words = outcome.text.split { $0.isWhitespace }.joined(separator: " ")
        for text in [
            "USAGE: swiftvmm inspect <image>", "--mode <mode>", "--format <format>", "--memory <size>",
            "No KVM is needed",
            " 0 ", " 64 ", " 66 ", " 74 ",
        ] {
            #expect(words.contains(text), "\(outcome)")
        }
    }
}
