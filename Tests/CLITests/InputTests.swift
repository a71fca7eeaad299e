import TestSupport
import Testing

@Suite("Standard input", .requiresKVM)
struct InputTests {
    private let scratch: Scratch
    private let echo = Guests.path("real-echo.bin")

    init() throws {
        scratch = try Scratch()
    }

    @Test("100,000 bytes piped into real-echo come back unchanged, in order, none lost")
    func echoesMuch() async throws {
        // All values but Ctrl-D, in an order that shows each loss and each exchange.
        var state: UInt32 = 1
        let bytes = (0..<TestScale.count(100_000)).map { _ -> UInt8 in
            state = state &* 1_664_525 &+ 1_013_904_223
            let byte = UInt8(state >> 24)
            return byte == 4 ? 5 : byte
        }
        try scratch.write(bytes + [4], to: "input")
        let outcome = try await scratch.shell("cat input | \"$0\" run \"$1\"", [echo])
        #expect(outcome.status == 0)
        #expect(outcome.output == bytes)
        #expect(outcome.errors == "")
    }

    @Test("what the guest leaves unread stays in the file, or the pipe, for the next program")
    func leavesTheRest() async throws {
        try scratch.write(Array("first\u{4}second\n".utf8) + [UInt8](repeating: 0x78, count: 10_000), to: "input")
        let expected = "firstsecond\n" + String(repeating: "x", count: 10_000)
        expectSuccess(try await scratch.shell("(\"$0\" run \"$1\"; cat) <input", [echo]), expected)
        expectSuccess(try await scratch.shell("cat input | (\"$0\" run \"$1\"; cat)", [echo]), expected)
    }

    @Test("a guest that never looks at its serial port takes nothing")
    func takesNothing() async throws {
        try scratch.write(Array("theirs".utf8), to: "input")
        let guest = try scratch.write(TinyGuest.print("mine, ") + TinyGuest.halt, to: "guest.bin")
        expectSuccess(try await scratch.shell("(\"$0\" run \(guest); cat) <input"), "mine, theirs")
    }

    @Test("each key reaches the guest as it is typed")
    func answersKeys() async throws {
        let outcome = try await scratch.talk("run", echo) { session in
            for (index, key) in "swift".enumerated() {
                try await session.type(String(key))
                try await session.read(until: index + 1)
            }
            #expect(session.state.isRunning)
            try await session.type("\u{4}")
            try await session.readToEnd()
        }
        expectSuccess(outcome, "swift")
    }

    @Test("the end of input is not the end of the run", arguments: ["</dev/null", "<&-", "</"])
    func outlivesInput(redirection: String) async throws {
        let outcome = try await scratch.swiftvmm("run", echo, "--timeout", "0.5", redirection: redirection)
        expectRefusal(outcome, 124, "the deadline passed before the guest ended")
    }

    @Test("a guest that does not read runs without standard input")
    func runsWithoutInput() async throws {
        let outcome = try await scratch.swiftvmm("run", Guests.path("real-hello.bin"), redirection: "<&-")
        expectSuccess(outcome, "Hello from real mode!\n")
    }
}
