import Glibc
import TestSupport
import Testing

@Suite("The power button by SIGTERM", .requiresKVM)
struct GraceTests {
    private let scratch: Scratch
    private static let pressed =
        "swiftvmm: SIGTERM: pressed the guest's power button; a second one ends the run at once\n"
    private static let noEffect =
        "swiftvmm: --grace has no effect, as the guest cannot know of a power button: it has no ACPI tables; "

    init() throws {
        scratch = try Scratch()
    }

    @Test("a guest that hears of it switches itself off, and the status is 0")
    func powersOff() async throws {
        let outcome = try await scratch.talk(
            "run", Guests.path("acpi-list.elf"), "--irqchip", "full", "--cmdline", "button", "--grace", "600",
            "--report", "report"
        ) { session in
            while !session.received.suffix(8).elementsEqual("waiting\n".utf8) {
                try await session.read(until: session.received.count + 1)
            }
            try session.send(SIGTERM)
            try await session.readToEnd()
        }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text.hasSuffix("waiting\npower button\n"))
        #expect(outcome.errors == Self.pressed)
        #expect(try scratch.text("report").contains("\"poweredOff\""))
    }

    /// The run's length is a lower bound: nothing says how soon a busy machine looks.
    @Test("one that does not is ended so many seconds later, as by SIGTERM")
    func endsLater() async throws {
        let outcome = try await scratch.talk(
            "run", Guests.path("acpi-list.elf"), "--irqchip", "full", "--cmdline", "spin", "--grace", "0.5"
        ) { session in
            try await session.read(until: 3)
            try session.send(SIGTERM)
            try await session.readToEnd()
        }
        #expect(outcome.status == 143, "\(outcome)")
        #expect(outcome.words == Self.pressed + "swiftvmm: ended by SIGTERM\n")
        #expect(outcome.seconds >= 0.5)
    }

    @Test("a second one, or another signal, ends the run at once", arguments: [SIGTERM, SIGINT])
    func second(signal: Int32) async throws {
        let outcome = try await scratch.talk(
            "run", Guests.path("acpi-list.elf"), "--irqchip", "full", "--cmdline", "spin", "--grace", "100000",
            redirection: "2>errors"
        ) { session in
            try await session.read(until: 3)
            try session.send(SIGTERM)
            while session.state.isRunning && (try? scratch.text("errors")) != Self.pressed {
                try await Task.sleep(for: .milliseconds(10))
            }
            try session.send(signal)
        }
        #expect(outcome.status == 128 + signal, "\(outcome)")
    }

    @Test("a guest without ACPI tables has no button: that is said at once, and SIGTERM ends the run")
    func withoutTables() async throws {
        let outcome = try await scratch.talk(
            "run", Guests.path("spin.bin"), "--grace", "100000", redirection: "2>errors"
        ) {
            session in
            while session.state.isRunning && (try? scratch.text("errors"))?.hasSuffix("\n") != true {
                try await Task.sleep(for: .milliseconds(10))
            }
            try session.send(SIGTERM)
        }
        #expect(outcome.status == 143, "\(outcome)")
        let lines = try scratch.text("errors")
        #expect(lines.hasPrefix(Self.noEffect) && lines.hasSuffix("ended by SIGTERM\n"), "\(lines)")
    }
}
