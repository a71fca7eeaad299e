import Glibc
import TestSupport
import Testing

@Suite("Standard streams that are closed or full", .requiresKVM)
struct StandardStreamTests {
    private let scratch: Scratch
    private let hello = Guests.path("real-hello.bin")

    init() throws {
        scratch = try Scratch()
    }

    @Test("closed output ends a guest that prints with status 74")
    func outputClosed() async throws {
        let outcome = try await scratch.swiftvmm("run", hello, redirection: ">&-")
        #expect(outcome.status == 74, "\(outcome)")
        #expect(outcome.lastError.hasPrefix("swiftvmm: cannot write the guest's output: Bad file descriptor"))
    }

    @Test("a full disk ends it so too")
    func outputFull() async throws {
        let outcome = try await scratch.swiftvmm("run", hello, redirection: ">/dev/full")
        #expect(outcome.status == 74, "\(outcome)")
        #expect(outcome.lastError.hasPrefix("swiftvmm: cannot write the guest's output: No space left on device"))
    }

    @Test("so does a file that may not grow")
    func outputTooLarge() async throws {
        let outcome = try await scratch.shell("ulimit -f 0; exec \"$0\" run \"$1\" >file", [hello])
        #expect(outcome.status == 74, "\(outcome)")
        #expect(outcome.lastError.hasPrefix("swiftvmm: cannot write the guest's output: File too large"))
    }

    @Test("a guest that prints nothing needs no output", arguments: [">&-", ">/dev/full", "2>&-", "<&- >&- 2>&-"])
    func outputNotNeeded(redirection: String) async throws {
        let guest = try scratch.write(TinyGuest.halt, to: "guest.bin")
        expectSuccess(try await scratch.swiftvmm("run", guest, redirection: redirection), "")
    }

    @Test("a reader that is gone ends a guest that prints without end")
    func readerGone() async throws {
        let guest = try scratch.write(TinyGuest.forever(TinyGuest.print("y\n")), to: "printer.bin")
        let outcome = try await scratch.shell(
            "{ \"$0\" run \(guest); echo $? >status; } | head -n 2; cat status >&2")
        #expect(outcome.text == "y\ny\n")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 2 && lines.last == "74", "\(outcome)")
        #expect(outcome.errors.hasPrefix("swiftvmm: cannot write the guest's output: Broken pipe"))
    }

    @Test("with standard error closed the status still tells")
    func errorsClosed() async throws {
        let exits = try await scratch.swiftvmm("run", Guests.path("real-exit.bin"), redirection: "2>&-")
        #expect(exits.status == 42)
        let dies = try await scratch.swiftvmm("run", Guests.path("triple-fault.bin"), redirection: "2>&-")
        #expect(dies.status == 125)
        #expect(dies.output == [])
        let missing = try await scratch.swiftvmm("run", "missing.bin", redirection: "2>&-")
        #expect(missing.status == 66)
        #expect(missing.output == [])
    }

    @Test("no file of the machine's takes the place of a closed stream", arguments: ["", "2>&-", "2>/dev/full"])
    func streamsStayTheirOwn(errors: String) async throws {
        let guest = Guests.path("spin.bin")
        let outcome = try await scratch.talk("run", guest, "--report", "report", redirection: "<&- >&- \(errors)") {
            try await $0.state.waitUntilMachineExists()
            for descriptor in 0...2 {
                let file = try #require($0.state.file(descriptor))
                #expect(!file.contains("kvm") && !file.contains("report"), "\(descriptor): \(file)")
            }
            try $0.send(SIGKILL)
        }
        #expect(outcome.status == -SIGKILL)
    }

    @Test("with no stream open at all, what the guest prints reaches no file")
    func printsIntoNoFile() async throws {
        let outcome = try await scratch.swiftvmm("run", hello, "--report", "report", redirection: "<&- >&- 2>&-")
        #expect(outcome.status == 74)
        let report = try Report(try scratch.read("report"))
        #expect(report.stop.status == 74)
        #expect(report.stop.message.hasPrefix("cannot write the guest's output: Bad file descriptor"))
    }
}
