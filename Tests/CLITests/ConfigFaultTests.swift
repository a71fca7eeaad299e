import Glibc
import TestSupport
import Testing

/// What is told of a file that describes a machine beside the words of the command.
@Suite("What is wrong with a machine in a file, by --config")
struct ConfigFaultTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(TinyGuest.print("A") + TinyGuest.halt, to: "guest.bin")
        try scratch.write(TinyELF().bytes, to: "guest.elf")
        try scratch.write([1], to: "small")
    }

    private func write(_ text: String) throws { try scratch.write(Array(text.utf8), to: "m.json") }

    private func run(_ words: String, redirection: String = "") async throws -> Outcome {
        try await scratch.swiftvmm(words.split(separator: " ").map(String.init), redirection: redirection)
    }

    private static let machine = "{\"image\": \"guest.bin\"}"

    @Test(
        "no output goes where it lies",
        arguments: [
            "--report m.json", "--report ./m.json", "--trace link", "--serial file:m.json", "--serial2 file:link",
            "--virtio-port a=file:m.json", "--disk m.json", "--disk link",
        ])
    func overwritten(option: String) async throws {
        try write(Self.machine)
        // SAFETY: C strings for the length of the call.
        #expect(unsafe symlink("m.json", scratch.path(of: "link")) == 0)
        expectRefusal(
            try await run("run --config m.json \(option)"), 64,
            "--config m.json and \(option) are one file; name two")
        #expect(try scratch.read("m.json") == Array(Self.machine.utf8))
    }

    @Test(
        "nor does a stream of this program",
        arguments: ["run", "inspect --plan", "inspect --print-config"])
    func streams(command: String) async throws {
        try write(Self.machine)
        let outcome = try await run("\(command) --config m.json", redirection: ">>m.json")
        expectRefusal(outcome, 64, "--config m.json is where standard output goes; send that elsewhere")
        #expect(try scratch.read("m.json") == Array(Self.machine.utf8))
    }

    @Test("nor where a table of the machine's goes")
    func tables() async throws {
        try scratch.makeFolder("acpi")
        let machine = "{\"image\": \"\(Guests.path("long-hello.elf"))\", \"vcpus\": 2}"
        try scratch.write(Array(machine.utf8), to: "acpi/apic.aml")
        let outcome = try await run("inspect --config acpi/apic.aml --dump-acpi acpi")
        #expect(outcome.status == 64)
        #expect(
            outcome.lastError
                == "swiftvmm: the table acpi/apic.aml of --dump-acpi would replace the file of --config; name another folder"
        )
        #expect(try scratch.read("acpi/apic.aml") == Array(machine.utf8))
    }

    @Test(
        "a value that no machine has does no harm where the command line gives another",
        arguments: [
            ("\"memory\": \"1K\"", "--memory 64M"), ("\"vcpus\": 300", "--cpus 1"),
            ("\"vcpus\": 2, \"interruptControllers\": \"none\"", "--irqchip full"),
            ("\"vcpus\": 2, \"interruptControllers\": \"none\"", "--cpus 1"),
        ])
    func overridden(members: String, option: String) async throws {
        try write("{\"image\": \"guest.bin\", \(members)}")
        let outcome = try await run("inspect --plan --config m.json \(option)")
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
    }

    /// The members of a file beside its image, options, and what is said.
    static let faults: [(members: String, options: String, status: Int32, message: String)] = [
        (
            "\"image\": \"guest.bin\", \"memory\": \"1K\", \"vcpus\": 300", "--cpus 1", 64,
            "m.json: memory: 1024 bytes of memory are too few; a machine needs at least 1M"
        ),
        (
            "\"image\": \"guest.bin\", \"memory\": \"1K\"", "--memory 2K", 64,
            "2048 bytes of memory are too few; a machine needs at least 1M"
        ),
        (
            "\"image\": \"guest.bin\", \"interruptControllers\": \"none\"", "--cpus 2", 64,
            "m.json: interruptControllers: 2 vCPUs need interrupt controllers, by which the first starts the others; ask for full ones or for one vCPU"
        ),
        (
            "\"image\": \"guest.bin\", \"vcpus\": 2", "--irqchip none", 64,
            "2 vCPUs need interrupt controllers, by which the first starts the others; ask for full ones or for one vCPU"
        ),
        (
            "\"image\": \"guest.bin\", \"commandLine\": \"a\\u0000b\"", "", 64,
            "m.json: commandLine: the value \"a\\0b\" is invalid: it holds a zero byte, which would end it early; leave that out"
        ),
        (
            "\"image\": \"guest.elf\", \"commandLine\": \"\(String(repeating: "x", count: 3000))\"", "", 64,
            "m.json: commandLine: the command line, with the words that are added to it, has 3000 bytes, and a guest takes 2047 at most; make it shorter"
        ),
        (
            "\"image\": \"guest.elf\", \"load\": 4096", "", 64,
            "m.json: load: an ELF image says itself where it is loaded and entered; leave the load address and the entry out, or take it as a flat image"
        ),
        (
            "\"image\": \"guest.elf\"", "--load 4096", 64,
            "an ELF image says itself where it is loaded and entered; leave --load and --entry out, or take it as it is with --format flat"
        ),
        (
            "\"image\": \"guest.elf\", \"mode\": \"long\"", "", 64,
            "m.json: mode: an ELF image says its own mode; leave the mode out, or take it as a flat image"
        ),
        (
            "\"image\": \"guest.bin\", \"load\": \"0x8000\", \"entry\": 5", "", 64,
            "m.json: entry: the entry 0x5 is outside the image, which is at 0x8000-0x8004; give one inside it"
        ),
        (
            "\"image\": \"guest.elf\", \"modules\": [{\"path\": \"small\"}, {\"path\": \"none\"}]", "", 66,
            "m.json: modules[1]: cannot give the guest the file none: No such file or directory; check its name"
        ),
        (
            "\"image\": \"guest.elf\", \"modules\": [{\"path\": \"small\"}]", "--initrd none", 66,
            "cannot give the guest the file none: No such file or directory; check its name"
        ),
        (
            "\"image\": \"guest.elf\", \"modules\": [{\"path\": \"small\"}]", "", 64,
            "m.json: modules: this image's boot protocol hands over no other file; leave the initrd out"
        ),
    ]

    @Test(
        "its own values are told of with file and key, and those of options without", .requiresAnyKVM, arguments: faults
    )
    func keys(members: String, options: String, status: Int32, message: String) async throws {
        try write("{\(members)}")
        for command in ["run", "inspect --plan"] {
            let outcome = try await run("\(command) --config m.json \(options)")
            #expect(outcome.status == status, "\(outcome)")
            #expect(outcome.lastError == "swiftvmm: \(message)")
        }
    }

    @Test("a disk that cannot be had is told of in the same way", .requiresKVM)
    func disks() async throws {
        let fault =
            "cannot use the disk small: it has 1 bytes, which is no sector of 512; make it larger, as with truncate -s 64M"
        try write(
            "{\"image\": \"guest.bin\", \"devices\": [{\"kind\": \"rng\"}, {\"kind\": \"disk\", \"path\": \"small\"}]}")
        expectRefusal(try await run("run --config m.json"), 64, "m.json: devices[1]: \(fault)")
        try write(Self.machine)
        expectRefusal(try await run("run --config m.json --disk small"), 64, fault)
    }

    @Test("of very many faults the first are told, and how many there are besides", arguments: [20, 21, 100_000])
    func many(count: Int) async throws {
        try write("{\"devices\": [\(Array(repeating: "0", count: count).joined(separator: ","))]}")
        let outcome = try await run("run --config m.json guest.bin")
        let lines = outcome.errors.split(separator: "\n").map(String.init)
        #expect(outcome.status == 64)
        #expect(lines.count == min(count, 21))
        let first = (0..<20).map {
            "swiftvmm: m.json: devices[\($0)]: the value 0 is invalid: it is not an object, as {…}"
        }
        #expect(Array(lines.prefix(20)) == first)
        if count > 20 { #expect(lines.last == "swiftvmm: m.json: and \(count - 20) more") }
    }

    @Test("an empty name is none", arguments: ["run", "inspect"])
    func emptyName(command: String) async throws {
        expectRefusal(
            try await scratch.swiftvmm(command, "guest.bin", "--config", ""), 64,
            "--config takes the name of a file, not an empty one")
    }

    @Test("without a command the one that takes it is named")
    func withoutCommand() async throws {
        let outcome = try await run("--config m.json")
        #expect(outcome.status == 64)
        #expect(
            outcome.errors.hasPrefix(
                "swiftvmm: a command is missing before '--config', as in: swiftvmm run --config machine.json; see"),
            "\(outcome)")
    }

    @Test("a mark before the text is named")
    func byteOrderMark() async throws {
        try write("\u{FEFF}\(Self.machine)")
        expectRefusal(
            try await run("run --config m.json"), 64,
            "m.json is no JSON: line 1, column 1: a byte order mark (U+FEFF) is not a value; save the file without one")
    }

    @Test(
        "a stream lies in no folder, whatever it is called", arguments: ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
    func streamPaths(name: String) async throws {
        try write(Self.machine)
        let outcome = try await run("inspect --config \(name)", redirection: "<m.json")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text.hasPrefix("image          guest.bin, 5 bytes\n"))
    }

    @Test("what is printed stands alone", arguments: ["--plan", "--dump-acpi acpi"])
    func printedAlone(option: String) async throws {
        let outcome = try await run("inspect guest.bin --print-config \(option)")
        #expect(outcome.status == 64 && outcome.output == [], "\(outcome)")
        #expect(
            outcome.errors.hasPrefix(
                "swiftvmm: --print-config prints the machine and nothing else; leave \(option.split(separator: " ")[0]) out, or ask for it by itself"
            ), "\(outcome)")
    }

    @Test("no machine is printed that cannot be, whatever its image is")
    func printedOnlyGood() async throws {
        try write("{\"image\": \"none.bin\", \"memory\": \"0\"}")
        expectRefusal(
            try await run("inspect --print-config --config m.json"), 64,
            "m.json: memory: 0 bytes of memory are too few; a machine needs at least 1M")
        let outcome = try await run("inspect --print-config none.bin --memory 1K --cpus 2 --irqchip none")
        #expect(outcome.status == 64 && outcome.output == [], "\(outcome)")
        #expect(
            outcome.errors == """
                swiftvmm: 1024 bytes of memory are too few; a machine needs at least 1M
                swiftvmm: 2 vCPUs need interrupt controllers, by which the first starts the others; ask for full ones or for one vCPU

                """)
    }

    @Test("what no file says is told where it is left out")
    func leftOut() async throws {
        let other = try await run(
            "inspect --print-config guest.bin --serial2 null --virtio-port a=null --virtio-port b=pty --console virtio")
        #expect(other.status == 0 && other.text.contains("\"b\""), "\(other)")
        #expect(
            other.errors
                == "swiftvmm: a file does not say what consoles are connected to; give these beside --config: --console virtio, --serial2, --virtio-port b\n"
        )
        let plain = try await run("inspect --print-config guest.bin --serial2 stdio --virtio-port a=null")
        #expect(plain.status == 0 && plain.errors == "", "\(plain)")
    }
}
