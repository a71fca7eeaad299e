import Glibc
import Synchronization
import TestSupport
import Testing

@Suite("Standard output", .requiresKVM)
struct OutputTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    @Test("bytes are bytes: zeros, escape sequences and all other values arrive as the guest sent them")
    func passesBytes() async throws {
        let escapes = "\u{1B}[2J\u{1B}]0;title\u{7}\u{1B}[6n\r\n"
        let bytes = Array(escapes.utf8) + Array(0...255)
        let guest = try scratch.write(TinyGuest.print(bytes) + TinyGuest.halt, to: "guest.bin")
        let outcome = try await scratch.swiftvmm("run", guest)
        #expect(outcome.status == 0)
        #expect(outcome.output == bytes)
        #expect(outcome.errors == "")
    }

    @Test("serial port and debug console print in the guest's order")
    func keepsOrder() async throws {
        let code = (0..<26).flatMap { index -> [UInt8] in
            TinyGuest.out(0x3F8, 0x61 + UInt8(index)) + TinyGuest.print([0x41 + UInt8(index)])
        }
        let guest = try scratch.write(code + TinyGuest.halt, to: "guest.bin")
        expectSuccess(try await scratch.swiftvmm("run", guest), "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ")
    }

    @Test("a prompt is seen while the guest waits")
    func showsPrompt() async throws {
        let guest = try scratch.write(TinyGuest.print("> ") + TinyGuest.spin, to: "prompt.bin")
        let outcome = try await scratch.talk("run", guest) { session in
            try await session.read(until: 2)
            #expect(session.state.isRunning)
            try session.send(SIGTERM)
        }
        #expect(outcome.status == 143)
        #expect(outcome.text == "> ")
    }

    @Test("much output costs few writes")
    func writesSeldom() async throws {
        let count = TestScale.count(200_000)
        let guest = try scratch.write(TinyGuest.print(0x78, times: count) + TinyGuest.spin, to: "printer.bin")
        let start = ContinuousClock.now
        let writes = Mutex<Int?>(nil)
        let outcome = try await scratch.talk("run", guest) { session in
            try await session.read(until: count)
            let count = session.state.writeCount
            writes.withLock { $0 = count }
            try session.send(SIGTERM)
            try await session.readToEnd()
        }
        #expect(outcome.output == [UInt8](repeating: 0x78, count: count))
        // One for each 4 KiB, and one each 10 ms so that a prompt is seen: twice that, and some. Seen: 500 in 4 s.
        let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
        #expect(try #require(writes.withLock { $0 }) < 2 * (count / 4096 + milliseconds / 10) + 50)
    }

    @Test("a slow reader gets every byte")
    func waitsForReader() async throws {
        // More than a pipe and the buffer before it hold.
        let count = TestScale.count(200_000)
        let guest = try scratch.write(TinyGuest.print(0x78, times: count) + TinyGuest.halt, to: "printer.bin")
        let outcome = try await scratch.shell("\"$0\" run \(guest) | { sleep 2; cat; }")
        expectSuccess(outcome, String(repeating: "x", count: count))
    }

    /// In seconds: what a guest that prints at once has for it, until it is ended from outside. The first is enough, but for a machine
    /// that is busy.
    private static let times = [1, 4, 16, 64].map { $0 * TestScale.divisor }

    /// A pipe that is full, and that the shell itself could read, but never does.
    private static let fullPipe =
        "rm -f pipe; mkfifo pipe; exec 3<>pipe; dd if=/dev/zero of=pipe bs=4096 oflag=nonblock 2>dd.log; "

    @Test("a reader that takes nothing does not outlast the deadline, and the bytes that it left are told")
    func givesUpOnReader() async throws {
        let guest = try scratch.write(
            TinyGuest.printAtOnce("0123456789", then: TinyGuest.spin), to: "printer.bin")
        for time in Self.times {
            let outcome = try await scratch.shell(
                "\(Self.fullPipe) exec \"$0\" run \(guest) --timeout \(time) --report report >&3")
            let run = try #require(try Report(try scratch.read("report")).run)
            if run.consoleBytes["hypercall"] == 0, time != Self.times.last { continue }
            expectRefusal(
                outcome, 124,
                "the deadline passed before the guest ended; 10 bytes of its output were not taken by their reader")
            #expect(run.consoleBytes["hypercall"] == 10)
            #expect(run.unwrittenBytes == 10)
            return
        }
    }

    @Test("nor where the guest has ended by itself")
    func givesUpOnReaderAtTheEnd() async throws {
        let guest = try scratch.write(
            TinyGuest.printAtOnce("0123456789", then: TinyGuest.halt), to: "printer.bin")
        for time in Self.times {
            let outcome = try await scratch.shell(
                "\(Self.fullPipe) exec \"$0\" run \(guest) --timeout \(time) --report report >&3")
            let run = try #require(try Report(try scratch.read("report")).run)
            if run.consoleBytes["hypercall"] == 0, time != Self.times.last { continue }
            return expectRefusal(
                outcome, 124,
                "the deadline passed before the guest ended; 10 bytes of its output were not taken by their reader")
        }
    }

    @Test("a signal ends the wait for a reader as well", arguments: [TinyGuest.spin, TinyGuest.halt])
    func signalEndsWait(end: [UInt8]) async throws {
        let guest = try scratch.write(TinyGuest.printAtOnce("0123456789", then: end), to: "printer.bin")
        for time in Self.times {
            let outcome = try await scratch.talk(
                "run", guest, "--report", "report", prelude: Self.fullPipe, redirection: ">&3"
            ) { session in
                try await session.state.waitUntilSignalsAreCaught()
                try await Task.sleep(for: .seconds(time))
                try session.send(SIGTERM)
            }
            let run = try #require(try Report(try scratch.read("report")).run)
            if run.consoleBytes["hypercall"] == 0, time != Self.times.last { continue }
            return expectRefusal(
                outcome, 143, "ended by SIGTERM; 10 bytes of its output were not taken by their reader")
        }
    }
}
