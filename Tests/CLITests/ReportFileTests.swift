import Glibc
import TestSupport
import Testing

@Suite("Where --report writes", .requiresAnyKVM)
struct ReportFileTests {
    private let scratch: Scratch
    private let hello = Guests.path("real-hello.bin")
    private let greeting = "Hello from real mode!\n"

    init() throws {
        scratch = try Scratch()
    }

    @Test("a new file is readable text, and nothing else is left in its folder")
    func makesFile() async throws {
        expectSuccess(try await scratch.swiftvmm("run", hello, "--report", "report.json"), greeting)
        #expect(try scratch.names == ["report.json"])
        let text = try scratch.text("report.json")
        #expect(text.hasPrefix("{\n") && text.hasSuffix("}\n"))
        _ = try Report(try scratch.read("report.json"))
    }

    @Test("a signal at any moment leaves a whole report or none, and nothing else")
    func signalAtAnyMoment() async throws {
        let script = """
            rm -f report.json; "$0" run "$1" --report report.json >/dev/null 2>&1 & sleep "$2"; kill -TERM $! 2>/dev/null; wait $!
            """
        for time in 0..<TestScale.count(100) {
            let outcome = try await scratch.shell(script, [hello, "0.0\(time < 10 ? "0" : "")\(time)"])
            #expect([0, 143].contains(outcome.status), "\(time) ms: \(outcome.words)")
            guard try scratch.names == ["report.json"] else {
                #expect(try scratch.names == [])
                continue
            }
            _ = try Report(try scratch.read("report.json"))
        }
        // Nor is anything in the way of the next.
        expectSuccess(try await scratch.swiftvmm("run", hello, "--report", "report.json"), greeting)
        #expect(try scratch.names == ["report.json"])
    }

    @Test("a file that is there is replaced whole, when the run is over and not before")
    func replacesFile() async throws {
        let old = String(repeating: "old\n", count: 10_000)
        try scratch.write(Array(old.utf8), to: "report.json")
        let outcome = try await scratch.talk("run", Guests.path("real-echo.bin"), "--report", "report.json") {
            session in
            try await session.type("a")
            try await session.read(until: 1)
            #expect(try scratch.text("report.json") == old)
            try await session.type("\u{4}")
            try await session.readToEnd()
        }
        expectSuccess(outcome, "a")
        #expect(try Report(try scratch.read("report.json")).stop.reason == "halted")
        #expect(try scratch.names == ["report.json"])
    }

    @Test("a name as long as a file's may be will do, and what a run of the same number has left is not in the way")
    func longNameAndLeftovers() async throws {
        let name = String(repeating: "r", count: 255)
        expectSuccess(
            try await scratch.swiftvmm("run", Guests.path("real-hello.bin"), "--report", name),
            "Hello from real mode!\n")
        #expect(try scratch.names == [name])
        let again = try await scratch.shell(
            "for left in report.$$.tmp .report.$$.tmp; do echo left >$left; done; exec \"$0\" run \"$1\" --report report",
            [Guests.path("real-hello.bin")])
        #expect(again.status == 0, "\(again)")
        #expect(try Report(try scratch.read("report")).stop.reason == "halted")
    }

    @Test("a directory, or a file in none, is refused with status 74 before the guest runs")
    func refuses() async throws {
        try scratch.makeFolder("folder")
        try scratch.write([], to: "file")
        for (path, reason) in [
            ("folder", "it is a directory"), ("missing/report.json", "No such file or directory"),
            ("file/report.json", "Not a directory"),
        ] {
            let outcome = try await scratch.swiftvmm("run", hello, "--report", path)
            expectRefusal(outcome, 74, "cannot write the report \(path): \(reason)")
        }
        #expect(try scratch.names == ["file", "folder"])
    }

    @Test("the guest itself is not replaced, by whatever name")
    func sparesTheGuest() async throws {
        let image = try Scratch.contents(ofFile: hello)
        try scratch.write(image, to: "guest.bin")
        try scratch.makeLink("link", to: "guest.bin")
        for path in ["guest.bin", "./guest.bin", "link"] {
            let outcome = try await scratch.swiftvmm("run", "guest.bin", "--report", path)
            expectRefusal(outcome, 64, "--report \(path) would replace the guest; name another file")
        }
        #expect(try scratch.read("guest.bin") == image)
    }

    @Test("a full disk is told with status 74, after the guest has run")
    func fullDisk() async throws {
        let outcome = try await scratch.swiftvmm("run", hello, "--report", "/dev/full")
        #expect(outcome.status == 74)
        #expect(outcome.text == greeting)
        #expect(outcome.errors == "swiftvmm: cannot write the report /dev/full: No space left on device\n")
    }

    @Test("a report that does not fit leaves no part of itself, and an older one as it was")
    func fileTooLarge() async throws {
        try scratch.write(Array("old".utf8), to: "report.json")
        // No file may grow: as on a full disk, the first write fails.
        let outcome = try await scratch.shell(
            "ulimit -f 0; trap '' XFSZ; exec \"$0\" run \"$1\" --report report.json", [hello])
        #expect(outcome.status == 74, "\(outcome)")
        #expect(outcome.text == greeting)
        #expect(outcome.lastError == "swiftvmm: cannot write the report report.json: File too large")
        #expect(try scratch.names == ["report.json"])
        #expect(try scratch.text("report.json") == "old")
    }

    @Test("a pipe takes it, as in process substitution")
    func pipe() async throws {
        let outcome = try await scratch.shell(
            "mkfifo pipe; cat pipe >copy & \"$0\" run \"$1\" --report pipe; status=$?; wait; exit $status", [hello])
        expectSuccess(outcome, greeting)
        #expect(try Report(try scratch.read("copy")).stop.reason == "halted")
    }

    @Test("standard error takes it", arguments: ["/dev/stderr", "/proc/self/fd/2", "/dev/fd/2"])
    func standardError(path: String) async throws {
        let outcome = try await scratch.swiftvmm("run", hello, "--report", path)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == greeting)
        #expect(try Report(Array(outcome.errors.utf8)).stop.reason == "halted")
    }

    @Test("standard error takes it where it is a file, too: nothing is replaced, and what is said follows")
    func standardErrorInFile() async throws {
        // The link stands for /dev/stderr, which is one like it.
        try scratch.makeLink("stderr", to: "/proc/self/fd/2")
        let outcome = try await scratch.shell(
            "{ echo before >&2; \"$0\" run \"$1\" --report stderr; } 2>log", [Guests.path("real-exit.bin")])
        #expect(outcome.status == 42)
        #expect(scratch.destination(ofLink: "stderr") == "/proc/self/fd/2")
        #expect(try scratch.names == ["log", "stderr"])
        let log = try scratch.text("log")
        let last = "swiftvmm: the guest ended with status 42\n"
        #expect(log.hasPrefix("before\n{") && log.hasSuffix("}\n\(last)"), "\(log)")
        let report = try Report(Array(log.dropFirst("before\n".count).dropLast(last.count).utf8))
        #expect(report.stop.status == 42)
    }

    @Test("a signal ends the wait for a reader of the report that takes nothing")
    func blockedReader() async throws {
        let guest = try scratch.write(TinyGuest.halt, to: "guest.bin")
        let outcome = try await scratch.shell(
            """
            mkfifo pipe; exec 3<>pipe; head -c 65536 /dev/zero >&3
            "$0" run \(guest) --report pipe & job=$!
            sleep \(2 * TestScale.divisor); kill -TERM $job; wait $job
            """)
        #expect(outcome.status == 143, "\(outcome)")
    }

    @Test("so does one that has ended the run, after a moment")
    func blockedReaderOfStoppedRun() async throws {
        let guest = try scratch.write(TinyGuest.print(">") + TinyGuest.spin, to: "guest.bin")
        let outcome = try await scratch.shell(
            """
            mkfifo pipe out; exec 3<>pipe 4<>out; head -c 65536 /dev/zero >&3
            "$0" run \(guest) --report pipe >out & job=$!
            head -c 1 out >/dev/null; kill -TERM $job; wait $job
            """)
        #expect(outcome.status == 143, "\(outcome)")
    }
}
