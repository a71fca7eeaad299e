import FoundationEssentials
import TestSupport
import Testing

/// What `--json` writes, as another program reads it.
private struct Figures: Decodable {
    struct Spread: Decodable {
        let median: Double
        let min: Double
        let max: Double
    }

    struct Row: Decodable {
        let subject: String
        let kind: String
        let figures: [String: Value]?
        let refusal: String?
    }

    enum Value: Decodable {
        case spread(Spread)
        case number(Double)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .spread(try container.decode(Spread.self))
            }
        }

        var middle: Double {
            switch self {
            case .spread(let spread): spread.median
            case .number(let number): number
            }
        }
    }

    let comparison: String
    let rows: [Row]
    let findings: [String]

    init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(Figures.self, from: Data(bytes))
    }

    /// By subject and figure.
    var figures: [String: [String: Double]] {
        Dictionary(uniqueKeysWithValues: rows.map { ($0.subject, ($0.figures ?? [:]).mapValues(\.middle)) })
    }
}

@Suite("swiftvmm compare startup and memory", .requiresKVM)
struct CompareIsolationTests {
    private static let subjects = [
        "process", "container", "runc", "podman", "machine-real", "machine-long", "machine-long-irqchip",
    ]

    @Test("startup: what is measured comes in the order in which it must, and the rest has a reason")
    func startup() async throws {
        let (figures, outcome, svg) = try await run("startup")
        for (subject, row) in figures.figures where !row.isEmpty {
            let times = try ["firstByteSeconds", "workDoneSeconds", "goneSeconds"].map { try #require(row[$0]) }
            #expect(times == times.sorted() && times[0] > 0 && times[2] < 100, "\(subject): \(times)")
        }
        #expect(figures.figures["process"]?["ratioToProcess"] == 1)
        #expect(outcome.text.contains("The first byte from a virtual machine in long mode comes after "), "\(outcome)")
        #expect(svg.contains(">machine, long mode: first byte<") && svg.contains(">gone<"))
    }

    @Test("memory: what a subject has is at least its work, which is what a guest or a program touches")
    func memory() async throws {
        let (figures, outcome, svg) = try await run("memory")
        for (subject, row) in figures.figures where !row.isEmpty {
            let work = Double(subject == "machine-real" ? 256 << 10 : 8 << 20)
            #expect(row["workBytes"] == work)
            let isolation = try #require(row["isolationBytes"])
            #expect(isolation > 0 && isolation < 0x1p30, "\(subject): \(isolation)")
        }
        // It is a few pages of its own, while swiftvmm has more code than that.
        let own = figures.figures.mapValues { $0["isolationBytes"] ?? 0 }
        #expect(try #require(own["process"]) < 0x1p20)
        #expect(try #require(own["machine-long"]) > 0x1p18)
        #expect(outcome.text.contains("Memory of the kernel is in none of this"), "\(outcome)")
        #expect(svg.contains(">virtual machines<"))
    }

    @Test("all comparisons by one word: a heading for each, a chart for each, and one JSON file")
    func all() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm("compare", "--quick", "--json", "all.json", "--svg", "charts.svg")
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        let names = ["compute", "console", "memory", "startup"]
        #expect(try scratch.names == ["all.json"] + names.map { "charts-\($0).svg" })
        for name in names { #expect(outcome.text.contains("compare \(name)\n════"), "\(outcome)") }
        let members = try JSONDecoder().decode([String: Member].self, from: Data(try scratch.read("all.json")))
        #expect(members.mapValues(\.comparison) == Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }))
    }

    private struct Member: Decodable {
        let comparison: String
    }

    private func run(_ comparison: String) async throws -> (Figures, Outcome, svg: String) {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm(
            "compare", comparison, "--quick", "--json", "figures.json", "--svg", "chart.svg")
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        // Twelve seconds by itself; the other tests want the processors, too.
        #expect(outcome.took(lessThan: 100))
        #expect(try scratch.names == ["chart.svg", "figures.json"])
        let figures = try Figures(try scratch.read("figures.json"))
        #expect(figures.comparison == comparison)
        #expect(figures.rows.map(\.subject) == Self.subjects)
        #expect(figures.rows.allSatisfy { ($0.figures == nil) != ($0.refusal == nil) })
        for subject in ["process", "machine-real", "machine-long"] {
            #expect(figures.figures[subject]?.isEmpty == false, "\(subject)")
        }
        for row in figures.rows { #expect(row.refusal.map { outcome.text.contains($0) } ?? true, "\(row)") }
        return (figures, outcome, try scratch.text("chart.svg"))
    }

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
        let rows = try Figures(try scratch.read("figures.json")).rows
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

    @Test("SIGTERM ends it at once, with nothing left behind", arguments: ["startup", "memory"])
    func signal(comparison: String) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.talk("compare", comparison, "--json", "figures.json") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try await Task.sleep(for: .milliseconds(300))
            try session.send(15)
            try await session.readToEnd()
        }
        #expect(outcome.status == 143 && outcome.errors == "swiftvmm: ended by SIGTERM\n", "\(outcome)")
        #expect(try scratch.names == [])
        #expect(outcome.took(lessThan: 30))
    }

    @Test("closed standard output is found out before the work", arguments: ["startup", "memory", "all"])
    func closedOutput(comparison: String) async throws {
        let scratch = try Scratch()
        expectRefusal(
            try await scratch.swiftvmm(["compare", comparison], redirection: ">&-"), 74,
            "cannot write to standard output")
    }
}
