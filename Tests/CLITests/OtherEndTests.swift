import Glibc
import TestSupport
import Testing

/// Named pipes and sockets whose other end no program has open: nothing waits for one longer than it may.
@Suite("Ends that nobody opens")
struct OtherEndTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(TinyGuest.print("ran") + TinyGuest.halt, to: "guest.bin")
    }

    static let words: [[String]] = [
        ["--serial", "file:pipe"], ["--serial2", "file:pipe"], ["--virtio-console", "file:pipe"],
        ["--virtio-port", "log=file:pipe"], ["--report", "pipe"], ["--trace", "pipe"],
    ]

    @Test("the deadline, which counts from the start of the program, ends the wait", arguments: words)
    func deadline(words: [String]) async throws {
        let outcome = try await scratch.shell(
            "mkfifo pipe; exec \"$0\" run guest.bin --timeout 0.3 \"$@\"", words)
        expectRefusal(outcome, 124, "the deadline passed before the guest began: no program has opened pipe")
        #expect(outcome.elapsed >= .milliseconds(300))
    }

    @Test("the report tells of it")
    func reported() async throws {
        let outcome = try await scratch.shell(
            "mkfifo pipe; exec \"$0\" run guest.bin --timeout 0.3 --serial file:pipe --report report")
        #expect(outcome.status == 124, "\(outcome)")
        let stop = try Report(try scratch.read("report")).stop
        #expect(stop.reason == "deadline" && stop.status == 124)
    }

    @Test("so does a signal", arguments: words, SignalTests.endings)
    func signal(words: [String], ending: SignalTests.Ending) async throws {
        let outcome = try await scratch.converse(["run", "guest.bin"] + words, prelude: "mkfifo pipe;") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try session.send(ending.signal)
        }
        #expect(outcome.status == 128 + ending.signal, "\(outcome)")
        #expect(outcome.errors == ending.message)
    }

    @Test("a socket whose program takes nobody is waited for no longer")
    func socket() async throws {
        // Others fill the queue of those who wait.
        let listener = try SocketListener(scratch.path(of: "socket"))
        let outcome = try await scratch.shell(
            """
            for number in 1 2 3 4; do "$0" run guest.bin --timeout 2 --serial unix:socket 2>"log$number" & done
            wait; cat log*
            """)
        extendLifetime(listener)
        #expect(outcome.text.contains("the deadline passed before the guest began: no program has opened socket"))
    }

    @Test("a reader that comes late gets everything", .requiresKVM, arguments: words)
    func late(words: [String]) async throws {
        let outcome = try await scratch.shell(
            "mkfifo pipe; { sleep 0.3; cat pipe >copy; } & \"$0\" run guest.bin \"$@\"; status=$?; wait; exit $status",
            words)
        expectSuccess(outcome, "ran")
        if ["--report", "--trace"].contains(words[0]) { #expect(try scratch.text("copy") != "") }
    }
}
