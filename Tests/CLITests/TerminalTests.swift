import Glibc
import Synchronization
import TestSupport
import Testing

@testable import swiftvmm

/// One after the other: guests that wait for keys take a processor each.
@Suite("On a terminal", .requiresKVM, .serialized)
struct TerminalTests {
    private let scratch: Scratch
    private let terminal: HostTerminal
    private let cooked: HostTerminal.Settings
    private let echo = Guests.path("real-echo.bin")
    private let spin = Guests.path("spin.bin")

    init() throws {
        scratch = try Scratch()
        terminal = try HostTerminal()
        cooked = terminal.settings
        #expect(!cooked.isRaw(of: cooked))
    }

    struct Ending: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var keys = ""
        var signal: Int32?
        let status: Int32
        let message: String
    }

    static let endings =
        [
            Ending(
                testDescription: "Ctrl-A x", keys: "\u{1}x", status: 130, message: "swiftvmm: quit with Ctrl-A x\n"),
            Ending(
                testDescription: "SIGINT", signal: SIGINT, status: 130, message: "swiftvmm: ended by SIGINT\n"),
            Ending(
                testDescription: "SIGTERM", signal: SIGTERM, status: 143, message: "swiftvmm: ended by SIGTERM\n"),
            Ending(
                testDescription: "SIGHUP", signal: SIGHUP, status: 129, message: "swiftvmm: ended by SIGHUP\n"),
        ]
        + [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGQUIT, SIGUSR1].map {
            Ending(testDescription: "signal \($0)", signal: $0, status: -$0, message: "")
        }

    @Test("raw mode ends with the run, however that ends", arguments: endings)
    func restores(ending: Ending) async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(terminal, "run", spin) { session in
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press(ending.keys)
            if let signal = ending.signal { try session.send(signal) }
        }
        #expect(outcome.status == ending.status, "\(outcome)")
        #expect(outcome.errors.hasSuffix(ending.message), "\(outcome)")
        #expect(terminal.settings == cooked)
    }

    @Test("a guest that ends by itself leaves the terminal as it was")
    func restoresAtTheEnd() async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(terminal, "run", echo) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("key\u{4}")
            try await terminal.wait(for: "key")
        }
        expectSuccess(outcome, "")
        #expect(terminal.settings == cooked)
    }

    @Test(
        "two runs on one terminal leave it as it was, whichever ends first, also where the second is continued",
        arguments: [
            "kill $a; wait $a; kill $b; wait $b", "kill $b; wait $b; kill $a; wait $a",
            "kill $a; wait $a; kill -CONT $b; until stty -a <&3 | grep -q -- -icanon; do sleep 0.01; done; kill $b; wait $b",
        ])
    func restoresAfterTwo(end: String) async throws {
        let (terminal, cooked, scratch) = (terminal, cooked, scratch)
        let guest = try scratch.write(TinyGuest.print("> ") + TinyGuest.spin, to: "prompt.bin")
        let command = """
            exec 3<&0; "$0" run \(guest) <&3 & a=$!
            until [ -e second ]; do sleep 0.01; done; "$0" run \(guest) <&3 & b=$!
            until [ -e end ]; do sleep 0.01; done
            \(end)
            """
        _ = try await scratch.use(terminal, command: command) { _ in
            try await terminal.wait(for: "> ")
            try scratch.write([], to: "second")
            try await terminal.wait(for: "> > ")
            try scratch.write([], to: "end")
        }
        #expect(terminal.settings == cooked)
    }

    @Test("so do a failing guest, the deadline, and output that cannot be written")
    func restoresAfterFailure() async throws {
        let fails = try await scratch.use(terminal, "run", Guests.path("triple-fault.bin")) { _ in }
        #expect(fails.status == 125, "\(fails)")
        #expect(terminal.settings == cooked)
        let late = try await scratch.use(terminal, "run", spin, "--timeout", "0.3") { _ in }
        #expect(late.status == 124, "\(late)")
        #expect(terminal.settings == cooked)
        let full = try await scratch.use(
            terminal, "run", Guests.path("real-hello.bin"), redirection: ">/dev/full"
        ) { _ in }
        #expect(full.status == 74, "\(full)")
        #expect(terminal.settings == cooked)
    }

    @Test("each key reaches the guest as it is, and none is echoed")
    func passesKeys() async throws {
        let (terminal, cooked) = (terminal, cooked)
        // Ctrl-A and Ctrl-D have a meaning of their own here.
        let keys = (UInt8(0)...255).filter { $0 != 1 && $0 != 4 }
        let outcome = try await scratch.use(terminal, "run", echo) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press(keys + [4])
        }
        expectSuccess(outcome, "")
        terminal.look()
        // The screen's lines begin on the left: a line feed is shown with a carriage return.
        #expect(terminal.screen == keys.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] })
    }

    @Test("Ctrl-A a sends Ctrl-A, Ctrl-A h shows help, and other commands do nothing")
    func obeysCommands() async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(terminal, "run", echo) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("1\u{1}a2\u{1}h3\u{1}z4\u{4}")
        }
        #expect(outcome.status == 0, "\(outcome)")
        terminal.look()
        #expect(terminal.text == "1\u{1}234")
        #expect(outcome.errors == "swiftvmm: keys on this terminal:\n\(TerminalKeys.help)\n")
    }

    @Test("who presses Ctrl-C before a guest that does not read it is told, once, what ends the run")
    func tellsOfUnreadInterrupt() async throws {
        let (terminal, cooked, scratch) = (terminal, cooked, scratch)
        let hint = "swiftvmm: the guest has not read Ctrl-C; Ctrl-A x ends the run, Ctrl-A h shows help\n"
        _ = try await scratch.use(terminal, "run", spin, redirection: "2>errors") { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("\u{3}")
            try await terminal.wait(for: "a hint") { (try? scratch.text("errors")) == hint }
            try terminal.press("\u{3}\u{3}")
            try await Task.sleep(for: .seconds(1.5))
            try terminal.press("\u{1}x")
        }
        #expect(Outcome.withoutPlaces(try scratch.text("errors")) == hint + "swiftvmm: quit with Ctrl-A x\n")
    }

    @Test("keys that there is no room for are told, and counted in the end")
    func tellsOfLostKeys() async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(terminal, "run", spin) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            // A terminal takes no more than so many at once.
            for _ in 0..<5 {
                try terminal.press(String(repeating: "x", count: 1000))
                try await Task.sleep(for: .milliseconds(50))
            }
            try terminal.press("\u{1}x")
        }
        #expect(outcome.status == 130, "\(outcome)")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.first == "swiftvmm: the guest leaves 4096 keys unread: what is typed or pasted now is lost")
        #expect(lines.contains("swiftvmm: 904 keys were lost: the guest left 4096 unread, and no more may wait"))
    }

    @Test("a guest that reads Ctrl-C gets it, and nobody is told anything")
    func passesInterrupt() async throws {
        let cooked = cooked
        let end = ContinuousClock.now + TestScale.patience
        // Where the processors are busy the guest may read it when a second is over, and the user is told, rightly: then again.
        let isLate = Mutex(true)
        while isLate.withLock({ $0 }), ContinuousClock.now < end {
            let terminal = try HostTerminal()
            let outcome = try await scratch.use(terminal, "run", echo) { _ in
                try await terminal.waitUntilRaw(of: cooked)
                // On a thread of its own: a task may have to wait for another test to end.
                HostThread {
                    let start = ContinuousClock.now
                    try? terminal.press("\u{3}")
                    let isRead = eventually {
                        terminal.look()
                        return terminal.text.contains("\u{3}")
                    }
                    let time = ContinuousClock.now - start
                    isLate.withLock { $0 = !isRead || time >= .seconds(1) }
                }.join()
                try await Task.sleep(for: .seconds(1.5))
                try terminal.press("\u{4}")
            }
            if !isLate.withLock({ $0 }) { expectSuccess(outcome, "") }
        }
        #expect(!isLate.withLock { $0 })
    }

    @Test("continued after a stop, it takes the terminal again")
    func continues() async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(terminal, "run", echo) { session in
            try await terminal.waitUntilRaw(of: cooked)
            let state = session.state
            try session.send(SIGSTOP)
            try await terminal.wait(for: "a stop") { state.isStopped }
            terminal.makeCooked()
            try session.send(SIGCONT)
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("on\u{4}")
            try await terminal.wait(for: "on")
        }
        expectSuccess(outcome, "")
        #expect(terminal.settings == cooked)
    }

    /// A shell's job, whose process says its number in a file.
    private static let job = "sh -c 'echo $$ >pid; exec \"$@\"' - \"$0\" \"$@\""

    @Test("SIGTSTP stops it with the terminal as it was, and fg goes on")
    func suspends() async throws {
        let (terminal, cooked, scratch) = (terminal, cooked, scratch)
        let outcome = try await scratch.use(
            terminal, "run", echo, prelude: "set -m;",
            command: "\(Self.job); stty -a >stopped; stty >&2; fg >fg"
        ) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            let process = try #require(Int32(try scratch.text("pid").filter(\.isNumber)))
            kill(process, SIGTSTP)
            try await terminal.wait(for: "fg") { (try? scratch.text("fg").isEmpty) == false }
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("on\u{4}")
            try await terminal.wait(for: "on")
        }
        #expect(outcome.status == 0, "\(outcome)")
        let stopped = try scratch.text("stopped").split { $0.isWhitespace || $0 == ";" }
        for word in ["icanon", "echo", "isig", "icrnl", "iexten"] { #expect(stopped.contains(word[...]), "\(stopped)") }
        #expect(terminal.settings == cooked)
    }

    @Test("in the background it leaves the terminal alone, and takes it when it comes to the foreground")
    func waitsInTheBackground() async throws {
        let (terminal, cooked, scratch) = (terminal, cooked, scratch)
        let outcome = try await scratch.use(
            terminal, "run", echo, prelude: "set -m;",
            command: "\(Self.job) & read line; echo \"shell: $line\"; fg"
        ) { _ in
            try await terminal.wait(for: "a number") { (try? scratch.text("pid").hasSuffix("\n")) == true }
            let process = ProcessState(try #require(Int32(try scratch.text("pid").filter(\.isNumber))))
            try await process.waitUntilSignalsAreCaught()
            try await process.waitUntilMachineExists()
            try await Task.sleep(for: .milliseconds(300))
            #expect(terminal.settings == cooked)
            try terminal.press("words\n")
            try await terminal.wait(for: "shell: words")
            try await terminal.waitUntilRaw(of: cooked)
            try terminal.press("on\u{4}")
            try await terminal.wait(for: "on")
        }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(terminal.settings == cooked)
    }

    @Test("a terminal that vanishes ends the run")
    func endsWithTerminal() async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(terminal, "run", spin) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            terminal.hangUp()
        }
        #expect(outcome.status == 129, "\(outcome)")
        #expect(outcome.words == "swiftvmm: ended by SIGHUP\n")
    }

    @Test("so it does while the guest prints, on several vCPUs too", arguments: ["1", "3"])
    func endsPrinterWithTerminal(cpus: String) async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(
            terminal, "run", Guests.path("long-cpus.elf"), "--irqchip", "full", "--cpus", cpus, "--cmdline",
            "\(cpus) and print"
        ) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try await terminal.wait(for: "0000")
            terminal.hangUp()
        }
        #expect(outcome.status == 129, "\(outcome)")
    }

    @Test("Ctrl-A x ends several vCPUs that print")
    func quitsPrinters() async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(
            terminal, "run", Guests.path("long-cpus.elf"), "--cpus", "4", "--cmdline", "4 and print"
        ) { _ in
            try await terminal.waitUntilRaw(of: cooked)
            try await terminal.wait(for: "0")
            try terminal.press("\u{1}x")
            // Somebody reads on, or the last words had no room.
            try await terminal.wait(for: "the settings") {
                terminal.look()
                return terminal.settings == cooked
            }
        }
        #expect(outcome.status == 130, "\(outcome)")
    }

    @Test("where it must not, its keys end, and nothing looks for more")
    func outlivesTerminal() async throws {
        let (terminal, cooked) = (terminal, cooked)
        let outcome = try await scratch.use(terminal, "run", spin, prelude: "trap '' HUP;") { session in
            try await terminal.waitUntilRaw(of: cooked)
            let state = session.state
            try await terminal.wait(for: "a thread for the keys") { state.threadCount == 2 }
            terminal.hangUp()
            // A look now and then would be seen.
            var before: [String: String] = [:]
            for _ in 0..<100 where before != state.sleepCounts || before.isEmpty {
                before = state.sleepCounts
                try await Task.sleep(for: .milliseconds(600))
            }
            #expect(state.sleepCounts == before)
            try session.send(SIGTERM)
        }
        #expect(outcome.status == 143, "\(outcome)")
    }

    @Test("without a terminal no thread is started")
    func needsNoThread() async throws {
        let outcome = try await scratch.talk("run", spin) { session in
            try await session.state.waitUntilMachineExists()
            try await Task.sleep(for: .milliseconds(100))
            #expect(session.state.threadCount == 1)
            try session.send(SIGTERM)
        }
        #expect(outcome.status == 143)
    }
}
