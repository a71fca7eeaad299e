import TestSupport
import Testing

@Suite("swiftvmm compare startup and memory, of what is refused and what fails", .requiresAnyKVM)
struct CompareIsolationFailureTests {
    @Test("what is not installed, and what is refused, keeps its row, with the reason in table, JSON and chart")
    func refused() async throws {
        let scratch = try Scratch()
        try scratch.makeFolder("bin")
        try scratch.makeLink("bin/runc", to: "/bin/false")
        let outcome = try await scratch.shell(
            """
            unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces
                PATH=bin exec "$0" compare startup --quick --json figures.json --svg chart.svg' "$0"
            """)
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        let rows = try IsolationFigures(try scratch.read("figures.json")).rows
        let refusals = Dictionary(uniqueKeysWithValues: rows.map { ($0.subject, $0.refusal) })
        #expect(refusals["podman"] == "not installed")
        #expect(refusals["runc"] == "status 1")
        let container = try #require(refusals["container"] ?? nil)
        #expect(container.hasPrefix("cannot make user, mount, PID, network, IPC and UTS namespaces: "), "\(container)")
        let svg = try scratch.text("chart.svg")
        for reason in ["not installed", "status 1", "cannot make user"] {
            #expect(outcome.text.contains(reason) && svg.contains(reason), "\(reason)")
        }
    }

    @Test(
        "a program or a guest that prints something else, or fails, ends it, with the subject's name",
        arguments: [
            (
                "startup-bench.elf", "long-hello.elf",
                "machine, long mode: it printed \"Hello from long mode!\", not \">7febb025\""
            ),
            ("startup-real.bin", "triple-fault.bin", "machine, real mode failed: the guest caused a triple fault"),
            ("startup-process", "container-probe-process", "host process failed: status 7"),
        ])
    func liars(replaced: String, by other: String, message: String) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            mkdir -p guests/build && cp "$0" copy && cp "$1"/startup-* guests/build && cp -f "$1/$3" "guests/build/$2"
            exec ./copy compare startup --quick --json figures.json
            """, [String(Guests.path("").dropLast()), replaced, other])
        #expect(outcome.status == 70 && outcome.output.isEmpty, "\(outcome)")
        #expect(outcome.lastError.hasPrefix("swiftvmm: \(message)"), "\(outcome)")
        #expect(try scratch.names == ["copy", "guests"])
    }

    /// The delays are in milliseconds from the moment that it catches signals; `memory` copies this program first.
    @Test(
        "SIGTERM ends it at once, with nothing left behind",
        arguments: [("startup", 300), ("memory", 300)] + stride(from: 0, to: 40, by: 10).map { ("memory", $0) })
    func signal(comparison: String, delay: Int) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.talk("compare", comparison, "--json", "figures.json") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try await Task.sleep(for: .milliseconds(delay))
            try session.send(15)
            try await session.readToEnd()
        }
        #expect(outcome.status == 143 && outcome.errors == "swiftvmm: ended by SIGTERM\n", "\(outcome)")
        #expect(try scratch.names == [])
    }

    @Test("closed standard output is found out before the work", arguments: ["startup", "memory", "all"])
    func closedOutput(comparison: String) async throws {
        let scratch = try Scratch()
        expectRefusal(
            try await scratch.swiftvmm(["compare", comparison], redirection: ">&-"), 74,
            "cannot write to standard output")
    }
}
