import Glibc
import TestSupport
import Testing

@Suite("Where --trace writes", .requiresAnyKVM)
struct TraceFileTests {
    private let scratch: Scratch
    private let hello = Guests.path("real-hello.bin")
    private let greeting = "Hello from real mode!\n"

    init() throws {
        scratch = try Scratch()
    }

    @Test("a file gets the trace, and what was in it before is gone")
    func file() async throws {
        try scratch.write(Array(String(repeating: "old\n", count: 10_000).utf8), to: "trace")
        expectSuccess(try await scratch.swiftvmm("run", hello, "--trace", "trace"), greeting)
        let lines = try scratch.text("trace").split(separator: "\n")
        #expect(lines.first?.hasPrefix("# ") == true)
        #expect(lines.last?.contains("halt") == true)
        #expect(!lines.contains("old"))
        #expect(try scratch.names == ["trace"])
    }

    @Test("a run that does not begin leaves the file as it was, or as it was not")
    func leftWhole() async throws {
        try scratch.write(Array("old".utf8), to: "old")
        try scratch.write(try Scratch.contents(ofFile: hello), to: "guest.bin")
        for options in [
            ["missing"], [Guests.path("long-hello.elf"), "--mode", "real"], ["guest.bin", "--disk", "missing"],
            ["guest.bin", "--initrd", "guest.bin"], ["guest.bin", "--memory", "1K"],
            ["guest.bin", "--serial2", "file:no/file"],
        ] {
            for name in ["old", "new"] {
                for output in [["--trace", name], ["--serial", "file:\(name)"], ["--virtio-port", "a=file:\(name)"]] {
                    let outcome = try await scratch.swiftvmm(["run"] + options + output)
                    #expect([64, 66, 74].contains(outcome.status), "\(outcome)")
                    #expect(try scratch.text("old") == "old", "\(options) \(output)")
                    #expect(try scratch.names == ["guest.bin", "old"], "\(options) \(output)")
                }
            }
        }
    }

    @Test("what cannot be written is refused before the guest runs")
    func refuses() async throws {
        try scratch.makeFolder("folder")
        try scratch.write(try Scratch.contents(ofFile: hello), to: "guest.bin")
        for (path, status, message) in [
            ("folder", 74, "cannot write the trace folder: it is a directory"),
            ("missing/trace", 74, "cannot write the trace missing/trace: No such file or directory"),
            ("guest.bin", 64, "--trace guest.bin would replace the guest; name another file"),
            ("", 64, "--trace takes the name of a file, not an empty one"),
        ] as [(String, Int32, String)] {
            expectRefusal(try await scratch.swiftvmm("run", "guest.bin", "--trace", path), status, message)
        }
        let both = try await scratch.swiftvmm("run", hello, "--trace", "f", "--report", "./f")
        expectRefusal(both, 64, "--report ./f and --trace f are one file; name two")
        let serial = try await scratch.swiftvmm("run", hello, "--trace", "f", "--serial", "file:f")
        expectRefusal(serial, 64, "--serial file:f and --trace f are one file; name two")
        #expect(try scratch.names == ["folder", "guest.bin"])
    }

    @Test("a full disk ends the trace and not the run; it is told with status 74 at the end")
    func fullDisk() async throws {
        let outcome = try await scratch.swiftvmm("run", hello, "--trace", "/dev/full")
        #expect(outcome.status == 74)
        #expect(outcome.text == greeting)
        #expect(outcome.errors == "swiftvmm: cannot write the trace /dev/full: No space left on device\n")
    }

    @Test("standard error takes it, with what is said behind it")
    func standardError() async throws {
        let outcome = try await scratch.swiftvmm("run", Guests.path("real-exit.bin"), "--trace", "/dev/stderr")
        #expect(outcome.status == 42)
        #expect(outcome.errors.hasPrefix("# "))
        #expect(outcome.errors.contains("plainExit\nswiftvmm: the guest ended with status 42\n"), "\(outcome)")
    }

    @Test("a pipe takes it, and a reader that goes away is no end of the run")
    func pipe() async throws {
        let outcome = try await scratch.shell(
            "mkfifo pipe; cat pipe >copy & \"$0\" run \"$1\" --trace pipe; status=$?; wait; exit $status", [hello])
        expectSuccess(outcome, greeting)
        #expect(try scratch.text("copy").split(separator: "\n").last?.contains("halt") == true)
        // The guest has its input, and ends, when the reader is gone.
        let closed = try await scratch.shell(
            """
            (true <pipe; touch gone) &
            (until [ -e gone ]; do sleep 0.01; done; printf 'a\\004') | "$0" run "$1" --trace pipe
            """, [Guests.path("real-echo.bin")])
        #expect(closed.status == 74 && closed.text == "a", "\(closed)")
        #expect(closed.errors == "swiftvmm: cannot write the trace pipe: Broken pipe\n")
    }

    @Test("a trace that cannot be written does not hide how the run ended")
    func failureBesideTheEnd() async throws {
        let outcome = try await scratch.swiftvmm(
            "run", Guests.path("spin.bin"), "--timeout", "0.3", "--trace", "/dev/full")
        #expect(outcome.status == 74)
        let lines = outcome.words.split(separator: "\n")
        #expect(lines.count == 2, "\(outcome)")
        #expect(lines.first == "swiftvmm: the deadline passed before the guest ended")
    }

    @Test("nothing is lost when a signal or the deadline ends the run")
    func ended() async throws {
        let guest = try scratch.write(TinyGuest.print("> ") + TinyGuest.spin, to: "prompt.bin")
        let outcome = try await scratch.talk("run", guest, "--trace", "trace") { session in
            try await session.read(until: 2)
            try session.send(SIGTERM)
        }
        #expect(outcome.status == 143)
        #expect(outcome.words == "swiftvmm: ended by SIGTERM\n")
        #expect(try scratch.text("trace").contains("0xe9        1     0x20        debug\n"))
        // The first deadline is enough, but for a machine that is busy.
        var isTraced = false
        for timeout in ["0.5", "4", "32"] where !isTraced {
            let late = try await scratch.swiftvmm("run", guest, "--trace", "late", "--timeout", timeout)
            #expect(late.status == 124)
            isTraced = try scratch.text("late").contains("0xe9        1     0x20        debug\n")
        }
        #expect(isTraced)
    }

    @Test("a reader that takes nothing holds the guest up until a signal ends the run, and what it missed is told")
    func blockedReader() async throws {
        let guest = try scratch.write(
            TinyGuest.print("> ") + TinyGuest.forever([0xE6, 0x80]), to: "exits.bin")
        let outcome = try await scratch.shell(
            """
            mkfifo pipe out; exec 3<>pipe 4<>out
            "$0" run \(guest) --trace pipe >out & job=$!
            head -c 2 out >/dev/null; sleep \(2 * TestScale.divisor); kill -TERM $job; wait $job
            """)
        #expect(outcome.status == 143, "\(outcome)")
        #expect(outcome.errors.contains("bytes of the trace were not taken by its reader\n"), "\(outcome)")
        #expect(outcome.lastError == "swiftvmm: ended by SIGTERM")
    }

    @Test("the guest's failure is told behind it as always")
    func guestFailure() async throws {
        let outcome = try await scratch.swiftvmm("run", Guests.path("triple-fault.bin"), "--trace", "trace")
        #expect(outcome.status == 125)
        #expect(try scratch.text("trace").split(separator: "\n").last?.contains("shutdown") == true)
    }
}
