import Glibc
import TestSupport
import Testing

/// Images that come through a pipe, and from standard input.
@Suite("Images that are no files")
struct ImageInputTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// Ways to give the image `$1` without its name, to a command and with options that the script fills in.
    static let ways = [
        "cat \"$1\" | \"$0\" COMMAND -", "\"$0\" COMMAND - <\"$1\"", "\"$0\" COMMAND /dev/stdin <\"$1\"",
        "cat \"$1\" | \"$0\" COMMAND /dev/stdin", "cat \"$1\" | \"$0\" COMMAND /proc/self/fd/0",
        "cat \"$1\" | \"$0\" COMMAND -- -", "cat \"$1\" | \"$0\" COMMAND /dev/fd/3 3<&0 </dev/null",
        "mkfifo image; { sleep 0.2; cat \"$1\" >image; } & \"$0\" COMMAND image",
        "mkfifo image; cat \"$1\" >image & sleep 0.2; \"$0\" COMMAND image",
    ]

    struct Image: Sendable, CustomTestStringConvertible {
        let name: String
        let output: String

        var testDescription: String { name }
    }

    static let images = [
        Image(name: "real-hello.bin", output: "Hello from real mode!\n"),
        Image(name: "long-hello.elf", output: "Hello from long mode!\n"),
        Image(name: "pie-hello.elf", output: "Hello from a position-independent executable!\n"),
    ]

    @Test("each is booted as the file is", .requiresKVM, arguments: ways, images)
    func runs(way: String, image: Image) async throws {
        let file = try await scratch.swiftvmm("run", Guests.path(image.name))
        let outcome = try await scratch.shell(
            way.replacing("COMMAND", with: "run"), [Guests.path(image.name)])
        expectSuccess(outcome, file.text)
        #expect(outcome.text.contains("Hello"))
    }

    @Test("inspect tells of each what it tells of the file", arguments: ways, images)
    func inspects(way: String, image: Image) async throws {
        let file = try await scratch.swiftvmm("inspect", Guests.path(image.name))
        let outcome = try await scratch.shell(
            way.replacing("COMMAND", with: "inspect"), [Guests.path(image.name)])
        func rest(_ text: String) -> [Substring] { Array(text.split(separator: "\n").dropFirst()) }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(rest(outcome.text) == rest(file.text) && rest(file.text).count > 2)
    }

    @Test("the guest finds standard input at its end", .requiresKVM)
    func atEnd() async throws {
        let end = "swiftvmm: the deadline passed before the guest ended\n"
        var outcome: Outcome?
        // The first deadline is enough, but for a machine that is busy.
        for timeout in ["0.5", "8", "64"] where outcome?.words != end {
            outcome = try await scratch.shell(
                "cat \"$1\" | \"$0\" run - --timeout \(timeout)", [Guests.path("real-echo.bin")])
            #expect(outcome?.status == 124 && outcome?.output == [])
        }
        #expect(outcome?.words == end)
    }

    @Test("an initial RAM disk, or a module, can come from there too", .requiresKVM)
    func module() async throws {
        try scratch.write(Array("first line\nsecond\n".utf8), to: "notes")
        let script = "cat notes | \"$0\" run \"$1\" --initrd='- some words'"
        let outcome = try await scratch.shell(script, [Guests.path("multiboot-modules.elf")])
        #expect(outcome.status == 33, "\(outcome)")
        #expect(outcome.text.contains("module 1 (some words), 18 bytes: first line"), "\(outcome)")
    }

    /// What is typed behind `swiftvmm`, with what is at its standard input, and what comes of it.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let script: String
        let status: Int32
        let message: String

        init(_ script: String, _ status: Int32, _ message: String) {
            (self.script, self.status, self.message) = (script, status, message)
        }

        var testDescription: String { script }
    }

    static let refusals = [
        Refusal("run - </dev/null", 66, "cannot boot standard input: it is a device; give the file of a guest"),
        Refusal("run - <&-", 66, "cannot boot standard input: it is closed, or a directory; give the file of a guest"),
        Refusal("run - <empty", 66, "cannot boot standard input: the file is empty; give the file of a guest"),
        Refusal("run /dev/stdin <empty", 66, "cannot boot /dev/stdin: the file is empty; give the file of a guest"),
        Refusal("inspect - <empty", 66, "cannot boot standard input: the file is empty; give the file of a guest"),
        Refusal(
            "run - <large --memory 1M", 66,
            "cannot boot standard input: it has more than 1048576 bytes, too many to unpack, or to take from a pipe, for this machine; give more with --memory"
        ),
        Refusal(
            "run - <large --memory 2M", 66,
            "cannot boot standard input: it has 2097152 bytes, and the RAM where it is loaded only 2065408; give more with --memory"
        ),
        Refusal(
            "run guest --mode long --initrd - <empty", 66,
            "cannot give the guest the file standard input: the file is empty; give the file of a guest"),
        Refusal(
            "run - --initrd - <guest", 64,
            "- and --initrd - are both read from standard input; give one of them as a file"),
        Refusal(
            "run guest --initrd /dev/stdin --initrd='- text' <guest", 64,
            "--initrd /dev/stdin and --initrd - text are both read from standard input; give one of them as a file"),
        Refusal(
            "run - --console virtio <guest", 64,
            "--console gives the virtio-console standard input, which - is read from; leave --console out, or give a file"
        ),
        Refusal("run - --report guest <guest", 64, "--report guest would replace the guest; name another file"),
        Refusal("run pipe --timeout 0.2", 124, "cannot boot pipe: the deadline passed before all of it had come"),
        Refusal(
            "run - --timeout 0.2 <>pipe", 124,
            "cannot boot standard input: the deadline passed before all of it had come"),
    ]

    @Test("what cannot be is refused, in words", .requiresAnyKVM, arguments: refusals)
    func refused(refusal: Refusal) async throws {
        try scratch.write([], to: "empty")
        try scratch.write(TinyGuest.halt, to: "guest")
        try scratch.write(TinyGuest.halt + [UInt8](repeating: 0, count: (2 << 20) - 1), to: "large")
        let outcome = try await scratch.shell("mkfifo pipe; exec \"$0\" \(refusal.script)")
        expectRefusal(outcome, refusal.status, refusal.message)
    }

    @Test("a disk is no stream", arguments: ["-", "-,ro", "/dev/stdin", "/dev/stdin,ro"])
    func disk(word: String) async throws {
        try scratch.write(TinyGuest.halt, to: "guest")
        let outcome = try await scratch.shell("\"$0\" run - --disk=\(word) <guest")
        #expect(outcome.status == 64 && outcome.output == [], "\(outcome)")
        #expect(outcome.errors.contains("which standard input cannot be; give a file"), "\(outcome)")
    }

    @Test("memory that cannot be is no fault of what comes from there", .requiresAnyKVM, arguments: ["cat", "gzip -c"])
    func memory(program: String) async throws {
        try scratch.write(TinyGuest.halt, to: "guest")
        let outcome = try await scratch.shell("\(program) guest | \"$0\" run - --memory 4096T")
        #expect(outcome.status == 64, "\(outcome)")
        #expect(outcome.errors.contains("4503599627370496 bytes of memory do not fit the guest's"), "\(outcome)")
    }

    @Test("a signal ends the wait for an image", .requiresAnyKVM, arguments: SignalTests.endings)
    func signal(ending: SignalTests.Ending) async throws {
        let outcome = try await scratch.talk("run", "pipe", prelude: "mkfifo pipe;") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try session.send(ending.signal)
        }
        #expect(outcome.status == 128 + ending.signal, "\(outcome)")
        #expect(outcome.errors == ending.message)
    }

    @Test("the names of functions are known in an image that came through a pipe", .requiresKVM)
    func symbols() async throws {
        for program in ["cat", "gzip -c"] {
            // The first deadline is enough, but for a machine that is busy.
            var names = 0
            for timeout in [3, 12, 48] where names < 2 {
                let words = "run - --cpus 2 --cmdline cpus=3 --timeout \(timeout)"
                let outcome = try await scratch.shell(
                    "\(program) \"$1\" | \"$0\" \(words)", [Guests.path("smp-count.elf")])
                #expect(outcome.status == 124, "\(outcome)")
                names = outcome.errors.matches(of: #/vCPU [01] was at 0x[0-9a-f]+ \([a-z_]+/#).count
            }
            #expect(names == 2)
        }
    }
}
