import TestSupport
import Testing

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
            #expect(times == times.sorted() && times[0] > 0, "\(subject): \(times)")
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

    private func run(_ comparison: String) async throws -> (IsolationFigures, Outcome, svg: String) {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm(
            "compare", comparison, "--quick", "--json", "figures.json", "--svg", "chart.svg")
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        #expect(try scratch.names == ["chart.svg", "figures.json"])
        let figures = try IsolationFigures(try scratch.read("figures.json"))
        #expect(figures.comparison == comparison)
        #expect(figures.rows.map(\.subject) == Self.subjects)
        #expect(figures.rows.allSatisfy { ($0.figures == nil) != ($0.refusal == nil) })
        for subject in ["process", "machine-real", "machine-long"] {
            #expect(figures.figures[subject]?.isEmpty == false, "\(subject)")
        }
        for row in figures.rows { #expect(row.refusal.map { outcome.text.contains($0) } ?? true, "\(row)") }
        return (figures, outcome, try scratch.text("chart.svg"))
    }
}
