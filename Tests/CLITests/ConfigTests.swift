import Glibc
import TestSupport
import Testing
import VMM

@testable import swiftvmm

@Suite("A machine in a file, by --config")
struct ConfigTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.makeFolder("sub")
        try scratch.write(TinyGuest.print("A") + TinyGuest.halt, to: "guest.bin")
        try scratch.write(TinyGuest.print("S") + TinyGuest.halt, to: "sub/guest.bin")
        try scratch.write([UInt8](repeating: 0, count: 512), to: "sub/disk")
    }

    private func write(_ text: String, to name: String = "m.json") throws {
        try scratch.write(Array(text.utf8), to: name)
    }

    /// A file, the words behind `run`, and what is said.
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        var words = "--config m.json"
        var status: Int32 = 64
        let messages: [String]

        init(_ text: String, words: String = "--config m.json", status: Int32 = 64, _ messages: String...) {
            (self.text, self.words, self.status, self.messages) = (text, words, status, messages)
        }

        var testDescription: String { "\(words) \(text)" }
    }

    static let refusals = [
        Row(
            "{\"image\": \"guest.bin\", \"memory\": \"1X\", \"cpus\": 2}",
            "m.json: memory: the value \"1X\" is invalid: it is not an amount of memory; give bytes, or a number with K, M, G or T, as 64M",
            "m.json: there is no key \"cpus\" here; the keys are image, format, mode, load, entry, memory, modules, vcpus, commandLine, interruptControllers, devices, eventfds, timeout"
        ),
        Row(
            "{\"image\": \"guest.bin\", \"memory\": 5, \"devices\": [{\"kind\": \"serial\"}, {\"kind\": \"serial\"}]}",
            "m.json: memory: 5 bytes of memory are too few; a machine needs at least 1M",
            "m.json: devices[1]: two devices are called uart, and a machine has one; leave one out"),
        Row("{\"image\": }", "m.json is no JSON: line 1, column 11: \"}\" is not a value"),
        Row("{}", "m.json names no image; give one there (\"image\": \"guest.elf\"), or as a word beside --config"),
        Row("[]", "m.json: it describes no machine; give an object, as {\"image\": \"guest.elf\"}"),
        Row(
            "", status: 66,
            "cannot read --config m.json: it is empty; give a file that describes a machine, as {\"image\": \"guest.elf\"}"
        ),
        Row(
            "{}", words: "--config sub", status: 66,
            "cannot read --config sub: it is a directory; give a file that describes a machine, as JSON"),
        Row(
            "{}", words: "--config none", status: 66,
            "cannot read --config none: No such file or directory; check its name"),
        Row(
            String(repeating: " ", count: 1 << 20) + "{}", status: 66,
            "cannot read --config m.json: it has more than 1048576 bytes; give a file that describes a machine"),
        Row(
            "{\"image\": \"guest.bin\", \"devices\": [{\"kind\": \"disk\", \"path\": \"guest.bin\"}]}",
            "the disk guest.bin of m.json is the guest itself, which it could overwrite; give a copy, or \"readOnly\": true"
        ),
        Row(
            "{\"image\": \"guest.bin\", \"modules\": [{\"path\": \"sub/disk\"}]}",
            words: "--config m.json --report sub/disk",
            "the module sub/disk of m.json and --report sub/disk are one file; name two"),
        Row(
            "{\"image\": \"guest.bin\", \"devices\": [{\"kind\": \"virtio-console\", \"ports\": [\"a\"]}]}",
            words: "--config m.json --virtio-port a=null --virtio-port a=pty",
            "two ports have the name a; give each its own"),
    ]

    static let missingImages: [Row] = [
        Row(
            "{\"image\": \"none.bin\"}", status: 66,
            "m.json: image: cannot boot none.bin: No such file or directory; check its name"),
        Row(
            "{\"image\": \"-\"}", status: 66,
            "m.json: image: cannot boot ./-: No such file or directory; check its name"),
    ]

    // Where there is no KVM, that is told before.
    @Test("an image that is not there is told with the file", .requiresKVM, arguments: missingImages)
    func lacksImage(row: Row) async throws {
        try await isRefused(row: row)
    }

    @Test("what is wrong is told, a line for each fault, and nothing runs", arguments: refusals)
    func isRefused(row: Row) async throws {
        try write(row.text)
        let outcome = try await scratch.swiftvmm(["run"] + row.words.split(separator: " ").map(String.init))
        expectRefusal(outcome, row.status, row.messages.joined(separator: "\nswiftvmm: "))
        guard !row.words.contains("--report"), row.status == 64 || row.words.contains("none") else { return }
        let plan = try await scratch.swiftvmm(
            ["inspect", "--plan"] + row.words.split(separator: " ").map(String.init))
        if !row.messages[0].contains("the guest itself") { #expect(plan.errors == outcome.errors) }
    }

    @Test("without a file the image is asked for as before", arguments: ["run", "inspect"])
    func needsImage(command: String) async throws {
        let outcome = try await scratch.swiftvmm(command, "--memory", "2M")
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("Missing expected argument '<image>'"))
    }

    @Test("a pipe that nobody writes to is waited for until the deadline, and a signal ends that")
    func pipe() async throws {
        // SAFETY: a C string for the length of the call.
        #expect(unsafe mkfifo(scratch.path(of: "pipe"), 0o600) == 0)
        expectRefusal(
            try await scratch.swiftvmm("run", "--config", "pipe", "--timeout", "0.2"), 124,
            "cannot read --config pipe: the deadline passed before all of it had come")
        let stopped = try await scratch.shell("\"$0\" run --config pipe & sleep 0.3; kill -TERM $!; wait $!")
        #expect(stopped.status == 143, "\(stopped)")
    }

    /// Lines of the plan.
    private func plan(_ words: String...) async throws -> [String] {
        let outcome = try await scratch.swiftvmm(["inspect", "--plan"] + words)
        #expect(outcome.status == 0, "\(outcome)")
        return outcome.text.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
    }

    private static let machine = """
        {"image": "sub/guest.bin", "memory": "2M", "vcpus": 2, "interruptControllers": "full", "modules": [],
         "devices": [{"kind": "rng"}, {"kind": "disk", "path": "sub/disk"}, {"kind": "virtio-console", "ports": ["log"]}]}
        """

    @Test("its devices come in its order, and options override and add")
    func options() async throws {
        try write(Self.machine)
        let own = try await plan("--config", "m.json")
        #expect(own.contains("image sub/guest.bin, 5 bytes"))
        #expect(own.contains("memory 1M needed, 2M given"))
        #expect(own.contains("vCPUs 2"))
        let devices = own.filter { $0.hasPrefix("device ") }.suffix(3)
        #expect(
            Array(devices) == [
                "device rng0, memory 0xd0000000-0xd0000fff, GSI 5", "device disk0, memory 0xd0001000-0xd0001fff, GSI 6",
                "device virtio-console, memory 0xd0002000-0xd0002fff, GSI 7",
            ])
        #expect(!own.contains { $0.contains("uart") })
        let other = try await plan(
            "guest.bin", "--config", "m.json", "--memory", "4M", "--cpus", "1", "--irqchip", "none", "--rng", "--disk",
            "other", "--serial2", "null", "--virtio-port", "log=null")
        #expect(other.contains("image guest.bin, 5 bytes"))
        #expect(other.contains("memory 1M needed, 4M given"))
        #expect(other.contains("vCPUs 1"))
        #expect(other.contains("irqchip none"))
        #expect(
            other.filter { $0.hasPrefix("device ") }.suffix(5).map { $0.split(separator: ",")[0] } == [
                "device rng0", "device disk0", "device virtio-console", "device uart2", "device disk1",
            ])
    }

    @Test("options connect its ports, which are at nothing else, and may add some")
    func ports() throws {
        try write(Self.machine)
        let file = scratch.path(of: "m.json")
        let options = try #require(
            try RunOptions.layered {
                try RunWords.options(
                    ["--config", file, "--virtio-port", "log=pty", "--virtio-port", "new=null", "--console", "virtio"],
                    over: $0)
            })
        #expect(options.ports == [VirtioPort(name: "log", end: .pseudoTerminal), VirtioPort(name: "new", end: .null)])
        #expect(options.virtioEnd == .stdio)
        #expect(options.serial2End == nil)
        #expect(options.image == scratch.path(of: "sub/guest.bin"))
        #expect(options.allDisks.map(\.path) == [scratch.path(of: "sub/disk")])
        let plain = try #require(
            try RunOptions.layered { try RunWords.options(["--config", file, "--config", file], over: $0) })
        #expect(plain.ports == [VirtioPort(name: "log", end: .null)])
    }

    @Test("what is printed of options makes the same machine again")
    func printed() async throws {
        let words = [
            "guest.bin", "--memory", "3M", "--cpus", "2", "--load", "7C0:100", "--serial2", "null", "--virtio-port",
            "a=null", "--disk", "sub/disk,ro", "--rng",
        ]
        let printed = try await scratch.swiftvmm(["inspect"] + words + ["--print-config"])
        #expect(printed.status == 0, "\(printed)")
        #expect(
            printed.errors
                == "swiftvmm: a file does not say what consoles are connected to; give these beside --config: --serial2\n"
        )
        try scratch.write(printed.output, to: "m.json")
        let plan = try await scratch.swiftvmm(["inspect"] + words + ["--plan"])
        #expect(plan.status == 0, "\(plan)")
        #expect(try await scratch.swiftvmm("inspect", "--config", "m.json", "--plan").text == plan.text)
        expectRefusal(
            try await scratch.swiftvmm("inspect", "-", "--print-config"), 64,
            "--print-config: standard input belongs to this program, and no file can describe it; leave it out")
    }

    @Test("paths are those of its folder, and of this one where it comes through a pipe", .requiresAnyKVM)
    func paths() async throws {
        try write("{\"image\": \"guest.bin\"}", to: "sub/m.json")
        expectSuccess(try await scratch.swiftvmm("run", "--config", "sub/m.json"), "S")
        expectSuccess(try await scratch.swiftvmm("run", "--config=sub/m.json", "guest.bin"), "A")
        expectSuccess(try await scratch.swiftvmm("run", "--config", "/dev/stdin", redirection: "<sub/m.json"), "A")
        let piped = try await scratch.shell("cat sub/m.json | \"$0\" run --config /dev/stdin")
        expectSuccess(piped, "A")
        try write("{\"image\": \"\(scratch.path(of: "guest.bin"))\"}", to: "sub/m.json")
        expectSuccess(try await scratch.swiftvmm("run", "--config", "sub/m.json"), "A")
    }

    @Test("its time, its command line and its doorbells are told of as those of options", .requiresAnyKVM)
    func effects() async throws {
        try scratch.write(TinyGuest.spin, to: "spin.bin")
        try write("{\"image\": \"spin.bin\", \"timeout\": 0.1, \"commandLine\": \"a\", \"eventfds\": false}")
        let outcome = try await scratch.swiftvmm("run", "--config", "m.json")
        #expect(outcome.status == 124, "\(outcome)")
        #expect(outcome.errors.contains("the command line of m.json has no effect: a flat image"), "\(outcome)")
        #expect(
            outcome.errors.contains("\"eventfds\" of m.json has no effect: the machine has no virtio"), "\(outcome)")
        let other = try await scratch.swiftvmm(
            "run", "guest.bin", "--config", "m.json", "--cmdline", "b", "--timeout", "60")
        #expect(other.status == 0, "\(other)")
        #expect(other.errors.contains("--cmdline has no effect"), "\(other)")
    }

    @Test("a guest has the devices that it describes: disk, random bytes and console", .requiresKVM)
    func devices() async throws {
        try write(
            """
            {"image": "\(Guests.path("long-virtio-hello.elf"))", "devices": [{"kind": "virtio-console"}]}
            """)
        let words = ["--console", "virtio"]
        let plain = try await scratch.swiftvmm(["run", Guests.path("long-virtio-hello.elf")] + words)
        expectSuccess(try await scratch.swiftvmm(["run", "--config", "m.json"] + words), plain.text)
        #expect(plain.output.count > 0)
    }

    @Test("files that were changed at random are refused in words or run", .requiresAnyKVM, .timeLimit(.minutes(10)))
    func mutations() async throws {
        let seed = """
            {"image": "guest.bin", "format": "flat", "mode": "real", "memory": "2M", "vcpus": 1, "timeout": 60,
             "devices": [{"kind": "serial", "port": "com1"}, {"kind": "disk", "path": "sub/disk"}, {"kind": "rng"}]}
            """
        var random = SplitMix64(seed: 167)
        var statuses: [Int32: Int] = [:]
        for _ in 0..<60 {
            var bytes = Array(seed.utf8)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
                }
            }
            try scratch.write(bytes, to: "m.json")
            let outcome = try await scratch.swiftvmm("run", "--config", "m.json")
            #expect([0, 64, 66].contains(outcome.status), "\(outcome) \(String(decoding: bytes, as: UTF8.self))")
            #expect((outcome.status == 0) == outcome.errors.isEmpty, "\(outcome)")
            statuses[outcome.status, default: 0] += 1
        }
        #expect(statuses[0, default: 0] > 5 && statuses[64, default: 0] > 20, "\(statuses)")
    }

    @Test("docs/cli.md has it as it is", .requiresAnyKVM)
    func documented() async throws {
        try await Page("docs/cli.md").follow(["A machine in a file"])
    }
}
