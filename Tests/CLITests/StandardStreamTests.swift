import Glibc
import Subprocess
import SystemPackage
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

    @Test("a stream that others have made non-blocking gets all of a text that it has no room for at once")
    func nonBlocking() async throws {
        let help = try await scratch.swiftvmm("run", "--help").text
        try #require(help.utf8.count > 4096)
        let read = try await readThroughFullPipe("run", "--help")
        #expect(read == help)
    }

    /// What swiftvmm writes to a pipe of 4 KiB that does not block, and that is read when it is full.
    private func readThroughFullPipe(_ arguments: String...) async throws -> String {
        let ends = try FileDescriptor.pipe()
        // F_SETPIPE_SZ of <linux/fcntl.h>.
        for (command, value) in [(1031, 4096), (F_SETFL, O_NONBLOCK)] {
            let result = fcntl(ends.writeEnd.rawValue, command, value)
            try #require(result >= 0)
        }
        let reader = Task.detached {
            defer { try? ends.readEnd.close() }
            var count: Int32 = 0
            try #require(
                eventually {
                    // SAFETY: the call writes one number.
                    unsafe ioctl(ends.readEnd.rawValue, UInt(FIONREAD), &count) == 0 && count >= 4096
                })
            var bytes: [UInt8] = []
            var part = [UInt8](repeating: 0, count: 1000)
            while true {
                // SAFETY: the part lives for the length of the call.
                let count = try unsafe part.withUnsafeMutableBytes { try unsafe ends.readEnd.read(into: $0) }
                guard count > 0 else { break }
                bytes += part.prefix(count)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        let result = try await Subprocess.run(
            .path(FilePath(Binary.path)), arguments: Arguments(arguments), input: .none,
            output: .fileDescriptor(ends.writeEnd, closeAfterSpawningProcess: true), error: .discarded)
        #expect(result.terminationStatus == .exited(0))
        return try await reader.value
    }

    @Test("what a terminal would obey in the name of a file is shown, not sent")
    func escapes() async throws {
        let missing = try await scratch.swiftvmm("run", "\u{1B}[31mno\u{9B}2Jsuch")
        #expect(missing.status == 66)
        let words = "swiftvmm: cannot boot \\u{1b}[31mno\\u{9b}2Jsuch: No such file"
        #expect(missing.errors.hasPrefix(words), "\(missing)")
        let guest = try scratch.write(TinyGuest.halt, to: "\u{1B}]0;title\u{7}")
        let inspected = try await scratch.swiftvmm("inspect", guest)
        #expect(inspected.status == 0)
        #expect(inspected.text.contains("\\u{1b}]0;title\\u{7}, 1 bytes"), "\(inspected)")
    }
}
