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

}
