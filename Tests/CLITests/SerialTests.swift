import Glibc
import TestSupport
import Testing

/// One after the other: guests that wait for input take a processor each.
@Suite("--serial", .requiresKVM, .serialized)
struct SerialTests {
    private let scratch: Scratch
    private let echo = Guests.path("real-echo.bin")
    private let spin = Guests.path("spin.bin")

    init() throws {
        scratch = try Scratch()
    }

    private func serialPrint(_ text: String) -> [UInt8] { text.utf8.flatMap { TinyGuest.out(0x3F8, $0) } }

    /// Waits for input: test al, 1; jz back to the read's IN.
    private let waitForKey = TinyGuest.read(0x3FD) + [0xA8, 1, 0x74, 0xFB]

    /// Prints much on the serial port.
    private func serialPrint(times count: Int) -> [UInt8] {
        TinyGuest.loop(count, TinyGuest.out(0x3F8, UInt8(ascii: "x")))
    }

    @Test("stdio is what it is without the option")
    func standardStreams() async throws {
        try scratch.write(Array("words\u{4}".utf8), to: "input")
        let outcome = try await scratch.swiftvmm("run", echo, "--serial", "stdio", redirection: "<input")
        expectSuccess(outcome, "words")
    }

    @Test("null takes all and gives nothing, and the debug console still prints")
    func nothing() async throws {
        let guest = try scratch.write(
            serialPrint("lost") + serialPrint(times: TestScale.count(20_000)) + TinyGuest.print("debug")
                + TinyGuest.halt, to: "guest.bin")
        expectSuccess(try await scratch.swiftvmm("run", guest, "--serial", "null"), "debug")
    }

    @Test("standard input is not read where the serial port is elsewhere", arguments: ["null", "file:output"])
    func leavesInput(end: String) async throws {
        try scratch.write(Array("theirs".utf8), to: "input")
        let outcome = try await scratch.shell(
            "(\"$0\" run \"$1\" --serial \(end) --timeout 0.3; cat) <input", [echo])
        #expect(outcome.text == "theirs")
        #expect(outcome.lastError == "swiftvmm: the deadline passed before the guest ended")
    }

    @Test("nor is a terminal taken then: Ctrl-C is for swiftvmm")
    func leavesTerminal() async throws {
        let terminal = try HostTerminal()
        let cooked = terminal.settings
        let outcome = try await scratch.use(terminal, "run", spin, "--serial", "null") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try await session.state.waitUntilMachineExists()
            #expect(terminal.settings == cooked)
            try terminal.press("\u{3}")
        }
        #expect(outcome.status == 130)
        #expect(outcome.words == "swiftvmm: ended by SIGINT\n")
    }

    @Test("a file gets what the serial port sends, and nothing else, in place of what it had")
    func file() async throws {
        let guest = try scratch.write(
            serialPrint("serial") + TinyGuest.print("debug") + serialPrint("!") + TinyGuest.halt, to: "guest.bin")
        try scratch.write(Array("something long from before".utf8), to: "old")
        for name in ["new", "old"] {
            expectSuccess(try await scratch.swiftvmm("run", guest, "--serial", "file:\(name)"), "debug")
            #expect(try scratch.text(name) == "serial!")
        }
    }

    @Test("a file that cannot be written is told with its name and the reason")
    func badFile() async throws {
        let guest = try scratch.write(serialPrint("serial") + TinyGuest.halt, to: "guest.bin")
        try scratch.makeFolder("folder")
        let prefix = "cannot write the serial port's output to"
        expectRefusal(
            try await scratch.swiftvmm("run", guest, "--serial", "file:missing/file"), 74,
            "\(prefix) missing/file: No such file or directory")
        expectRefusal(
            try await scratch.swiftvmm("run", guest, "--serial", "file:folder", "--report", "report"), 74,
            "\(prefix) folder: Is a directory")
        #expect(try Report(try scratch.read("report")).stop.status == 74)
        expectRefusal(
            try await scratch.swiftvmm("run", guest, "--serial", "file:./guest.bin"), 64,
            "--serial file:./guest.bin would replace the guest; name another file")
        expectRefusal(
            try await scratch.swiftvmm("run", guest, "--serial", "file:same", "--report", "same"), 64,
            "--serial file:same and --report same are one file; name two")
        let full = try await scratch.swiftvmm("run", guest, "--serial", "file:/dev/full")
        #expect(full.status == 74 && full.lastError.contains("No space left on device"), "\(full)")
    }

    /// The path that swiftvmm tells first.
    private static func terminalPath(_ scratch: Scratch) async throws -> String {
        let prefix = "swiftvmm: the serial port is at "
        let end = ContinuousClock.now + TestScale.patience
        while true {
            let text = (try? scratch.text("errors")) ?? ""
            if let line = text.split(separator: "\n").first, text.contains("\n") {
                try #require(line.hasPrefix(prefix), "\(text)")
                return String(line.dropFirst(prefix.count))
            }
            try #require(ContinuousClock.now < end, "no path")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test("all bytes pass a pseudo-terminal unchanged both ways, for one program after the other")
    func pseudoTerminal() async throws {
        let scratch = scratch
        let bytes = (UInt8(0)...255).filter { $0 != 4 }
        let outcome = try await scratch.talk("run", echo, "--serial", "pty", redirection: "2>errors") { _ in
            let path = try await Self.terminalPath(scratch)
            for _ in 0..<3 {
                let user = try HostLine(opening: path)
                try user.send(bytes)
                try await user.wait(for: "all bytes") { user.received == bytes }
            }
            let user = try HostLine(opening: path)
            try user.send([4])
            try await user.wait(for: "the end") { user.isHungUp }
        }
        expectSuccess(outcome, "")
    }

    @Test("while nobody has the pseudo-terminal open, output is lost and holds nothing up")
    func pseudoTerminalAlone() async throws {
        let guest = try scratch.write(
            serialPrint(times: TestScale.count(50_000)) + TinyGuest.print("done") + TinyGuest.halt,
            to: "guest.bin")
        let outcome = try await scratch.swiftvmm("run", guest, "--serial", "pty")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == "done")
    }

    @Test("nor does a program that has it open, reads nothing and goes away")
    func pseudoTerminalLeft() async throws {
        let scratch = scratch
        let guest = try scratch.write(
            waitForKey
                // More than the terminal and the buffer before it hold.
                + serialPrint(times: TestScale.count(160_000)) + TinyGuest.print("done") + TinyGuest.halt,
            to: "guest.bin")
        let outcome = try await scratch.talk("run", guest, "--serial", "pty", redirection: "2>errors") { session in
            let user = try HostLine(opening: try await Self.terminalPath(scratch))
            try user.send("x")
            try await Task.sleep(for: .seconds(1))
            user.close()
            try await session.readToEnd()
        }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == "done")
    }

    @Test("one that reads gets the last byte too")
    func pseudoTerminalEnd() async throws {
        let scratch = scratch
        let text = String(repeating: "0123456789", count: 40) + "end"
        let guest = try scratch.write(
            waitForKey + serialPrint(text) + TinyGuest.halt, to: "guest.bin")
        let outcome = try await scratch.talk("run", guest, "--serial", "pty", redirection: "2>errors") { _ in
            let user = try HostLine(opening: try await Self.terminalPath(scratch))
            try user.send("x")
            try await user.wait(for: text)
        }
        expectSuccess(outcome, "")
    }

    @Test("a socket carries the port's input and output")
    func socket() async throws {
        let scratch = scratch
        let listener = try SocketListener(scratch.path(of: "socket"))
        let bytes = (UInt8(0)...255).filter { $0 != 4 }
        let outcome = try await scratch.talk("run", echo, "--serial", "unix:socket") { _ in
            let user = try await listener.accept()
            try user.send(bytes)
            try await user.wait(for: "all bytes") { user.received == bytes }
            try user.send([4])
            try await user.wait(for: "the end") { user.isHungUp }
        }
        expectSuccess(outcome, "")
    }

    @Test("a socket's other end that goes away ends a guest that prints, with status 74")
    func socketLeft() async throws {
        let scratch = scratch
        let listener = try SocketListener(scratch.path(of: "socket"))
        let guest = try scratch.write(
            TinyGuest.forever(TinyGuest.out(0x3F8, UInt8(ascii: "x"))), to: "guest.bin")
        let outcome = try await scratch.talk("run", guest, "--serial", "unix:socket") { _ in
            let user = try await listener.accept()
            try await user.wait(for: "xxx")
            user.close()
        }
        // Broken pipe, or a reset where the other end had not read all.
        #expect(outcome.status == 74, "\(outcome)")
        #expect(outcome.errors.hasPrefix("swiftvmm: cannot write the guest's output: "), "\(outcome)")
        #expect(outcome.errors.hasSuffix("; its reader is gone\n"), "\(outcome)")
    }

    @Test("a socket at which nobody listens is told with its name, the reason and a remedy")
    func badSocket() async throws {
        func message(_ reason: String) -> String {
            "cannot connect the serial port to the socket socket: \(reason); first start a program that listens there, as "
                + "socat -,rawer UNIX-LISTEN:socket"
        }
        expectRefusal(
            try await scratch.swiftvmm("run", echo, "--serial", "unix:socket"), 74,
            message("No such file or directory"))
        _ = try SocketListener(scratch.path(of: "socket"))
        expectRefusal(
            try await scratch.swiftvmm("run", echo, "--serial", "unix:socket"), 74, message("Connection refused"))
    }
}
