import Glibc
import TestSupport
import Testing

@Suite("Signals", .requiresKVM)
struct SignalTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    struct Ending: Sendable, CustomTestStringConvertible {
        let signal: Int32
        let name: String

        var testDescription: String { name }
        var message: String { "swiftvmm: ended by \(name)\n" }
    }

    static let endings = [
        Ending(signal: SIGINT, name: "SIGINT"), Ending(signal: SIGTERM, name: "SIGTERM"),
        Ending(signal: SIGHUP, name: "SIGHUP"),
    ]

    @Test("a signal ends spin with 128 and its number", arguments: endings)
    func endsSpin(ending: Ending) async throws {
        let outcome = try await scratch.talk("run", Guests.path("spin.bin")) { session in
            try await session.state.waitUntilSignalsAreCaught()
            try session.send(ending.signal)
        }
        #expect(outcome.status == 128 + ending.signal)
        #expect(outcome.words == ending.message)
    }

    @Test("nohup has the last word on SIGHUP")
    func respectsNohup() async throws {
        let outcome = try await scratch.talk("run", Guests.path("spin.bin"), prelude: "trap '' HUP;") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try session.send(SIGHUP)
            try session.send(SIGTERM)
        }
        #expect(outcome.status == 143)
    }

    @Test("they do so too where the parent ignores them, as a shell does for background jobs", arguments: endings)
    func endsInTheBackground(ending: Ending) async throws {
        let outcome = try await scratch.talk("run", Guests.path("spin.bin"), prelude: "trap '' INT TERM;") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try session.send(ending.signal)
        }
        #expect(outcome.status == 128 + ending.signal)
        #expect(outcome.words == ending.message)
    }

    @Test("output before a signal is seen at once, and not lost", arguments: endings)
    func keepsOutput(ending: Ending) async throws {
        let guest = try scratch.write(TinyGuest.print("> ") + TinyGuest.spin, to: "prompt.bin")
        let outcome = try await scratch.talk("run", guest) { session in
            try await session.read(until: 2)
            #expect(session.state.isRunning)
            try session.send(ending.signal)
            try await session.readToEnd()
        }
        #expect(outcome.status == 128 + ending.signal)
        #expect(outcome.text == "> ")
        #expect(outcome.words == ending.message)
    }

    @Test("a signal ends a guest that prints without end, and what it printed arrives whole")
    func endsPrinter() async throws {
        let line = "All work and no play\n"
        let guest = try scratch.write(TinyGuest.forever(TinyGuest.print(line)), to: "printer.bin")
        let outcome = try await scratch.talk("run", guest) { session in
            try await session.read(until: 1000)
            try session.send(SIGINT)
            try await session.readToEnd()
        }
        #expect(outcome.status == 130)
        let lines = (outcome.output.count + line.utf8.count - 1) / line.utf8.count
        #expect(String(repeating: line, count: lines).hasPrefix(outcome.text))
    }

    @Test("a signal while the machine is being made ends it like any other, or before it can be caught")
    func endsDuringStart() async throws {
        for delay in 0..<20 {
            let outcome = try await scratch.talk("run", Guests.path("spin.bin")) { session in
                try await Task.sleep(for: .milliseconds(delay * 2))
                try session.send(SIGTERM)
            }
            #expect([143, -SIGTERM].contains(outcome.status), "after \(delay * 2) ms: \(outcome)")
        }
    }

    @Test("stopped and continued, as from a shell, a run goes on")
    func continues() async throws {
        let outcome = try await scratch.talk("run", Guests.path("real-echo.bin")) { session in
            try await session.type("a")
            try await session.read(until: 1)
            try session.send(SIGSTOP)
            try await Task.sleep(for: .milliseconds(100))
            try session.send(SIGCONT)
            try await session.type("b\u{4}")
            try await session.readToEnd()
        }
        expectSuccess(outcome, "ab")
    }
}
