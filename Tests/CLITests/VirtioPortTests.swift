import Glibc
import TestSupport
import Testing

@testable import swiftvmm

/// One after the other: each keeps the machine busy.
@Suite("--virtio-port", .requiresKVM, .serialized)
struct VirtioPortTests {
    private static let payload = BenchPayload()

    private let scratch: Scratch
    private let guest = Guests.path("long-virtio-ports.elf")

    init() throws {
        scratch = try Scratch()
    }

    /// The first bytes of what the guest sends on each port.
    private static func stream(_ count: Int) -> [UInt8] {
        stride(from: 0, to: count, by: 65_536).flatMap { payload.part(from: $0, count: min(65_536, count - $0)) }
    }

    /// The paths of all pseudo-terminals, in the order in which they were told.
    private static func terminalPaths(_ scratch: Scratch, _ count: Int) async throws -> [String] {
        let end = ContinuousClock.now + TestScale.patience
        while true {
            let lines = ((try? scratch.text("errors")) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
            if lines.count > count { return lines.prefix(count).map { String($0.split(separator: " ").last ?? "") } }
            try #require(ContinuousClock.now < end, "no paths")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits until the guest has said something so many times.
    private static func wait(for line: String, _ times: Int, _ session: inout Session) async throws {
        while String(decoding: session.received, as: UTF8.self).ranges(of: "\(line)\n").count < times {
            try await session.read(until: session.received.count + 1)
        }
    }

    @Test("a file gets what the guest sends on a port by its name, and the report tells of each port")
    func files() async throws {
        let outcome = try await scratch.swiftvmm(
            "run", guest, "--virtio-port", "log=file:log", "--virtio-port", "org.example.x-1=null", "--report",
            "report",
            "--cmdline", "events log=send:100000 org.example.x-1=push:5")
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        for line in ["port 0 is console\n", "port 1 is log\n", "port 1 open\n", "port 2 is org.example.x-1\n"] {
            #expect(outcome.text.contains(line), "\(outcome)")
        }
        #expect(try scratch.read("log") == Self.stream(100_000))
        let run = try #require(try Report(try scratch.read("report")).run)
        #expect(
            run.virtioPorts == [
                Report.VirtioPort(name: "log", bytes: 100_000, droppedBytes: 0, failure: nil),
                Report.VirtioPort(name: "org.example.x-1", bytes: 5, droppedBytes: 0, failure: nil),
            ])
    }

    @Test("names and ends that cannot be are refused before anything is opened")
    func refusals() async throws {
        func expect(_ ports: [String], _ message: String, _ status: Int32 = 64) async throws {
            let options = ports.flatMap { ["--virtio-port", $0] }
            expectRefusal(try await scratch.swiftvmm(["run", guest] + options), status, message)
        }
        let rule = "give 1 to 64 letters, digits, '.', '_' and '-', first no '.'"
        for name in ["", ".x", "a b", "a/b", "ä", String(repeating: "x", count: 65)] {
            try await expect(["\(name)=file:made"], "\"\(name)\" cannot be a port's name; \(rule)")
        }
        try await expect(["a=file:made", "a=null"], "two ports have the name a; give each its own")
        try await expect(
            ["a=file:made", "b=file:made"],
            "--virtio-port a=file:made and --virtio-port b=file:made are one file; name two")
        try await expect(
            ["a=file:\(guest)"], "--virtio-port a=file:\(guest) would replace the guest; name another file")
        try await expect(
            (0..<32).map { "p\($0)=null" }, "32 ports are more than a virtio-console can have; give 31 at most")
        #expect(try scratch.names == [])
        try await expect(
            ["a=file:no/file"], "cannot write the port a's output to no/file: No such file or directory", 74)
        try await expect(
            ["a=unix:none"],
            "cannot connect the port a to the socket none: No such file or directory; first start a program that listens there, as socat -,rawer UNIX-LISTEN:none",
            74
        )
    }

    @Test("a disk that is full closes a port, and the run goes on")
    func fullDisk() async throws {
        let outcome = try await scratch.swiftvmm(
            "run", guest, "--virtio-port", "log=file:/dev/full", "--virtio-port", "b=file:b", "--cmdline",
            "log=push:1000 b=send:1000")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
            outcome.errors
                == "swiftvmm: the port log was closed: No space left on device; 1000 bytes of its output were dropped\n"
        )
        #expect(try scratch.read("b") == Self.stream(1000))
    }

    @Test("the guest hears when programs open a pseudo-terminal and go away, and what it sends meanwhile is counted")
    func pseudoTerminal() async throws {
        let scratch = scratch
        let outcome = try await scratch.talk(
            "run", guest, "--virtio-port", "tty=pty", "--virtio-port", "echo=pty", "--report", "report", "--cmdline",
            "events tty=watch:3 echo=echo", redirection: "2>errors"
        ) { session in
            let paths = try await Self.terminalPaths(scratch, 2)
            for round in 1...3 {
                let user = try HostLine(opening: paths[0])
                try await Self.wait(for: "port 1 open", round, &session)
                user.close()
                try await Self.wait(for: "port 1 closed", round, &session)
            }
            // Written and left at once: nothing is lost for that.
            let user = try HostLine(opening: paths[1])
            try user.send("words\u{4}")
            user.close()
            try await session.readToEnd()
        }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text.contains("port 2 is echo: sent 5 bytes, received 5 bytes\n"), "\(outcome)")
    }

    @Test("a socket that goes away closes its port and no other; what it sent before is received")
    func socket() async throws {
        let listeners = try ["one", "two"].map { try SocketListener(scratch.path(of: $0)) }
        let outcome = try await scratch.talk(
            "run", guest, "--virtio-port", "one=unix:one", "--virtio-port", "two=unix:two", "--report", "report",
            "--cmdline", "events one=watch:1 two=echo"
        ) { session in
            let one = try await listeners[0].accept()
            let two = try await listeners[1].accept()
            try await Self.wait(for: "port 1 open", 1, &session)
            one.close()
            try await Self.wait(for: "port 1 closed", 1, &session)
            try two.send("words\u{4}")
            try await two.wait(for: "words")
            two.close()
            try await session.readToEnd()
        }
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
    }

    @Test("sixteen ports at once, one slow, one gone, one flooded and one flooding: every byte of the others arrives")
    func sixteen() async throws {
        let count = TestScale.count(2 << 20)
        let files = (1...5).map { "f\($0)" }
        // More than a socket takes by itself.
        let forGone = count + (2 << 20)
        let sockets = ["s1", "s2", "s3", "s4", "slow", "gone", "flooded"]
        let terminals = ["t1", "t2", "t3"]
        let scratch = scratch
        let listeners = try sockets.map { try SocketListener(scratch.path(of: $0)) }
        let ends =
            files.map { "\($0)=file:\($0)" } + sockets.map { "\($0)=unix:\($0)" } + terminals.map { "\($0)=pty" }
            + ["flooding=null"]
        let works =
            (files + ["s1", "s2", "s3", "s4", "slow"] + terminals).map { "\($0)=send:\(count)" }
            + ["gone=send:\(forGone)", "flooded=leave", "flooding=flood"]
        let words =
            ["run", guest, "--report", "report", "--cmdline", works.joined(separator: " ")]
            + ends.flatMap { ["--virtio-port", $0] }
        let expected = Self.stream(count)
        let outcome = try await scratch.converse(words, redirection: "2>errors") { session in
            let paths = try await Self.terminalPaths(scratch, terminals.count)
            var lines: [HostLine] = []
            for path in paths { lines.append(try HostLine(opening: path)) }
            for listener in listeners { lines.append(try await listener.accept()) }
            let (slow, gone, flooded) = (lines[lines.count - 3], lines[lines.count - 2], lines[lines.count - 1])
            let good = lines.dropLast(3)
            let end = ContinuousClock.now + TestScale.patience
            let noise = [UInt8](repeating: 0, count: 65_536)
            var round = 0
            while good.contains(where: { $0.received.count < count }) || slow.received.count < count {
                round += 1
                try #require(ContinuousClock.now < end, "\(lines.map(\.received.count))")
                for line in good { line.look() }
                if round % 20 == 0 { slow.look() }
                if gone.descriptor >= 0 {
                    gone.look()
                    if !gone.received.isEmpty { gone.close() }
                }
                // SAFETY: the bytes live for the length of the call.
                _ = unsafe noise.withUnsafeBytes { unsafe write(flooded.descriptor, $0.baseAddress, $0.count) }
                try await Task.sleep(for: .milliseconds(2))
            }
            for line in good + [slow] { #expect(line.received == expected) }
            try await session.readToEnd()
        }
        #expect(outcome.status == 0, "\(outcome)")
        for name in files { #expect(try scratch.read(name) == expected) }
        let ports = try #require(try Report(try scratch.read("report")).run).virtioPorts
        for port in ports {
            switch port.name {
            case "gone":
                #expect(port.bytes + port.droppedBytes == UInt64(forGone))
                #expect(port.droppedBytes > 0 && port.failure != nil)
            case "flooding": #expect(port.bytes > 0)
            case "flooded": #expect(port.bytes == 0)
            default: #expect(port.bytes == UInt64(count) && port.droppedBytes == 0 && port.failure == nil, "\(port)")
            }
        }
        #expect(ports.count == 16)
    }

    @Test(
        "the guest knows the terminal's size, and hears when it changes", arguments: [[], ["--virtio-port", "a=null"]])
    func size(options: [String]) async throws {
        let terminal = try HostTerminal()
        terminal.resize(columns: 80, rows: 25)
        let cooked = terminal.settings
        let words = ["run", guest, "--console", "virtio", "--cmdline", "events console=echo"] + options
        let outcome = try await scratch.use(terminal, words) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try await terminal.wait(for: "size 80x25")
            for (columns, rows) in [(100, 40), (1, 1), (65_535, 3)] as [(UInt16, UInt16)] {
                terminal.resize(columns: columns, rows: rows)
                try await terminal.wait(for: "size \(columns)x\(rows)\r\n")
                if !options.isEmpty { try await terminal.wait(for: "port 0 has \(columns)x\(rows)\r\n") }
            }
            try terminal.press("\u{4}")
        }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(terminal.settings == cooked)
    }

    @Test("a console that is no terminal's has no size")
    func noSize() async throws {
        let terminal = try HostTerminal()
        let outcome = try await scratch.use(
            terminal, ["run", guest, "--virtio-console", "null", "--cmdline", "events"]
        ) { _ in }
        #expect(outcome.status == 0 && !terminal.text.contains("size"), "\(outcome)")
    }
}
