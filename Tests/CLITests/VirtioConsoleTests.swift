import Glibc
import TestSupport
import Testing

@testable import swiftvmm

/// One after the other: a guest that prints as fast as it can takes a processor.
@Suite("--console virtio and --virtio-console", .requiresKVM, .serialized)
struct VirtioConsoleTests {
    private let scratch: Scratch
    private let hello = Guests.path("long-virtio-hello.elf")
    private let echo = Guests.path("long-virtio-echo.elf")
    private let bench = Guests.path("console-bench.elf")
    /// More than anybody waits for.
    private let endless = "technique=virtio bytes=1099511627776 buffer=65536"

    init() throws {
        scratch = try Scratch()
    }

    @Test(
        "standard input and output are the virtio-console's", arguments: [["--no-eventfd"], []],
        ["none", "split", "full"])
    func standardStreams(options: [String], controllers: String) async throws {
        try scratch.write(Array("words\u{4}not for it".utf8), to: "input")
        expectSuccess(
            try await scratch.swiftvmm(
                ["run", echo, "--console", "virtio", "--irqchip", controllers] + options, redirection: "<input"),
            "words")
    }

    @Test("a guest finds it by its command line, behind its own words, and only where there is one")
    func commandLine() async throws {
        let args = Guests.path("long-args.elf")
        for (options, line) in [
            (["--console", "virtio"], "virtio_mmio.device=4K@0xd0000000:5"),
            (["--virtio-console", "null", "--cmdline", "a b"], "a b virtio_mmio.device=4K@0xd0000000:5"),
            (["--cmdline", "a b"], "a b"),
        ] {
            let outcome = try await scratch.swiftvmm(["run", args] + options)
            #expect(outcome.text.hasPrefix("command line: \(line)\n"), "\(outcome)")
        }
        let without = try await scratch.swiftvmm("run", hello)
        #expect(without.status == 1 && without.text.hasPrefix("no virtio-console"), "\(without)")
    }

    @Test("it can have an end of its own, and then gets no standard input")
    func ownEnd() async throws {
        expectSuccess(try await scratch.swiftvmm("run", hello, "--virtio-console", "file:output"), "")
        #expect(try scratch.text("output") == "Hello by virtio!\n")
        expectSuccess(try await scratch.swiftvmm("run", hello, "--virtio-console", "null"), "")
        expectSuccess(try await scratch.swiftvmm("run", hello, "--virtio-console", "stdio"), "Hello by virtio!\n")
        try scratch.write(Array("words\u{4}".utf8), to: "input")
        let outcome = try await scratch.swiftvmm(
            "run", echo, "--virtio-console", "stdio", "--timeout", "0.5", redirection: "<input")
        #expect(outcome.status == 124 && outcome.output.isEmpty, "\(outcome)")
    }

    @Test("a socket carries its input and output")
    func socket() async throws {
        let listener = try SocketListener(scratch.path(of: "socket"))
        let bytes = (UInt8(0)...255).filter { $0 != 4 }
        let outcome = try await scratch.talk("run", echo, "--virtio-console", "unix:socket") { _ in
            let user = try await listener.accept()
            try user.send(bytes)
            try await user.wait(for: "all bytes") { user.received == bytes }
            try user.send([4])
            try await user.wait(for: "the end") { user.isHungUp }
        }
        expectSuccess(outcome, "")
    }

    @Test("two outputs cannot be one file, nor can one be the guest")
    func sameFile() async throws {
        expectRefusal(
            try await scratch.swiftvmm("run", hello, "--virtio-console", "file:same", "--serial", "file:same"), 64,
            "--serial file:same and --virtio-console file:same are one file; name two")
        expectRefusal(
            try await scratch.swiftvmm("run", hello, "--virtio-console", "file:same", "--report", "same"), 64,
            "--virtio-console file:same and --report same are one file; name two")
        expectRefusal(
            try await scratch.swiftvmm("run", hello, "--virtio-console", "file:missing/file"), 74,
            "cannot write the virtio-console's output to missing/file: No such file or directory")
    }

    @Test("on a terminal its keys come at once, and commands are obeyed")
    func terminal() async throws {
        let terminal = try HostTerminal()
        let cooked = terminal.settings
        let outcome = try await scratch.use(terminal, "run", echo, "--console", "virtio") { _ in
            try await terminal.waitUntilRaw(of: cooked)
            for text in ["one", "two"] {
                try terminal.press(text)
                try await terminal.wait(for: text)
            }
            try terminal.press("\u{1}x")
        }
        #expect(outcome.status == 130, "\(outcome)")
        #expect(terminal.settings == cooked)
    }

    @Test("a reader that is killed ends the run with status 74", arguments: [[], ["--no-eventfd"]])
    func killedReader(options: [String]) async throws {
        let words = (["run", bench, "--console", "virtio", "--cmdline", endless] + options)
        let outcome = try await scratch.shell(
            "(\"$0\" \"$@\" 2>errors; echo $? >status) | head -c 1000000 | wc -c", words)
        #expect(outcome.text == "1000000\n", "\(outcome)")
        #expect(try scratch.text("status") == "74\n")
        #expect(
            try scratch.text("errors") == "swiftvmm: cannot write the guest's output: Broken pipe; its reader is gone\n"
        )
    }

    @Test("so does one that is gone when the guest has ended, with much that it has not taken")
    func goneAfterTheEnd() async throws {
        let outcome = try await scratch.shell(
            "(\"$0\" run \"$1\" --console virtio 2>errors; echo $? >status) | head -c 1000000 | wc -c",
            [Guests.path("long-virtio-flood.elf")])
        #expect(outcome.text == "1000000\n", "\(outcome)")
        #expect(try scratch.text("status") == "74\n")
    }

    @Test("so does a disk that is full")
    func fullDisk() async throws {
        let outcome = try await scratch.swiftvmm("run", hello, "--console", "virtio", redirection: ">/dev/full")
        #expect(outcome.status == 74 && outcome.lastError.contains("No space left on device"), "\(outcome)")
    }

    @Test(
        "a terminal that vanishes ends a guest that prints on it: by SIGHUP, or where that is ignored by its output",
        arguments: [
            ("", 129, "ended by SIGHUP"), ("trap '' HUP;", 74, "cannot write the guest's output: Input/output error"),
        ])
    func vanishedTerminal(prelude: String, status: Int32, message: String) async throws {
        let terminal = try HostTerminal()
        let cooked = terminal.settings
        let outcome = try await scratch.use(
            terminal, "run", bench, "--console", "virtio", "--cmdline", endless, prelude: prelude
        ) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try await terminal.wait(for: "output") {
                terminal.look()
                return terminal.screen.count > 1000
            }
            terminal.hangUp()
        }
        #expect(outcome.status == status, "\(outcome)")
        #expect(outcome.lastError.contains(message), "\(outcome)")
    }

    @Test("a reader that takes nothing does not keep the deadline from ending the run, and what it lost is told")
    func reluctantReader() async throws {
        // A pipe that the shell itself could read, but never does. The first deadline is enough for more than it holds, but for a
        // machine that is busy.
        var errors = ""
        for timeout in ["0.5", "4", "32"] where !errors.contains("not taken by their reader") {
            let outcome = try await scratch.shell(
                "rm -f pipe; mkfifo pipe; exec 3<>pipe; exec \"$0\" \"$@\" >&3",
                ["run", bench, "--console", "virtio", "--cmdline", endless, "--timeout", timeout])
            #expect(outcome.status == 124, "\(outcome)")
            errors = outcome.errors
        }
        #expect(errors.contains("the deadline passed") && errors.contains("not taken by their reader"), "\(errors)")
    }

    @Test("where the input has ended nothing looks for more", arguments: ["none", "full"])
    func endOfInput(controllers: String) async throws {
        let outcome = try await scratch.swiftvmm(
            "run", echo, "--console", "virtio", "--irqchip", controllers, "--timeout", "1", "--report", "report")
        #expect(outcome.status == 124, "\(outcome)")
        // A guest that sleeps, and a thread that waits: a vCPU that is looked at each 50 ms. Seen: 8 ms.
        let run = try #require(try Report(try scratch.read("report")).run)
        #expect(run.cpuNanoseconds < 300_000_000 * Int64(TestScale.divisor))
        // The guest asks anew each second at most.
        #expect(run.exitCount < 300)
    }

    @Test("the report tells of its bytes, and of doorbells that were exits", arguments: [true, false])
    func report(usesEvents: Bool) async throws {
        let options = usesEvents ? [] : ["--no-eventfd"]
        expectSuccess(
            try await scratch.swiftvmm(["run", hello, "--console", "virtio", "--report", "report"] + options),
            "Hello by virtio!\n")
        let greeting = try #require(try Report(try scratch.read("report")).run)
        #expect(greeting.consoleBytes == ["uart": 0, "debug": 0, "hypercall": 0, "virtio-console": 17])
        if usesEvents { #expect(greeting.doorbellExits == 0) }
        // No doorbell is needed while the device looks at the queue all the same: it rests before the last byte. The first rest is
        // enough, but for a machine that is busy.
        for rest in [300, 3000, 30_000] {
            let outcome = try await scratch.converse(
                ["run", echo, "--console", "virtio", "--report", "report"] + options
            ) { session in
                try await session.type("words")
                try await session.read(until: 5)
                try await Task.sleep(for: .milliseconds(rest))
                try await session.type("!\u{4}")
                try await session.readToEnd()
            }
            expectSuccess(outcome, "words!")
            let run = try #require(try Report(try scratch.read("report")).run)
            #expect(run.consoleBytes == ["uart": 0, "debug": 0, "hypercall": 0, "virtio-console": 6])
            if !usesEvents, run.doorbellExits == 0, rest < 30_000 { continue }
            #expect((run.doorbellExits == 0) == usesEvents)
            break
        }
        expectSuccess(
            try await scratch.swiftvmm("run", Guests.path("real-hello.bin"), "--report", "report"),
            "Hello from real mode!\n")
        #expect(try Report(try scratch.read("report")).run?.doorbellExits == nil)
    }
}
