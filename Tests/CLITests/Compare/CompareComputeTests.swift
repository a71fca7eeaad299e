import FoundationEssentials
import TestSupport
import Testing

@testable import Comparison

/// What `--json` writes, as another program reads it.
private struct Figures: Decodable {
    struct Spread: Decodable {
        let median: Double
    }

    struct Round: Decodable {
        let steps: UInt64
        let checksum: String
    }

    struct Row: Decodable {
        let work: String
        let place: String
        let nanosecondsPerOperation: Spread?
        let timeOfProcess: Spread?
        let refusal: String?
        let rounds: [Round]
    }

    let comparison: String
    let rows: [Row]
    let findings: [String]
}

@Suite("swiftvmm compare compute", .requiresKVM)
struct CompareComputeTests {
    @Test("the same work is done everywhere with the same answer, or there is a reason why not")
    func quick() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm(
            "compare", "compute", "--quick", "--json", "figures.json", "--svg", "chart.svg")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        let figures = try JSONDecoder().decode(Figures.self, from: Data(try scratch.read("figures.json")))
        #expect(figures.comparison == "compute")
        // One for each place but the host, and what a container cannot have here.
        let contained = try await scratch.swiftvmm("compare", "contain", Guests.path("container-probe-process"))
        let missing = Container.notes(in: contained.errors).map { "The container was not isolated: \($0)." }
        let findings = figures.findings.filter { !$0.hasPrefix("The machine was ") }
        #expect(findings.count == 3 + missing.count)
        #expect(Array(findings.dropFirst(3)) == missing)
        let places = ["process", "container", "guest-ring-3", "guest-ring-0"]
        #expect(figures.rows.map(\.place) == places + places + places)
        for row in figures.rows {
            guard row.refusal == nil else {
                #expect(["container", "guest-ring-0"].contains(row.place) && row.rounds.isEmpty, "\(row)")
                continue
            }
            let process = try #require(figures.rows.first { $0.work == row.work && $0.place == "process" })
            #expect(row.rounds.count >= 3 && row.rounds.count == process.rounds.count)
            #expect(row.rounds.allSatisfy { $0.checksum == process.rounds[0].checksum && $0.steps > 0 }, "\(row)")
            #expect(try #require(row.nanosecondsPerOperation).median > 0)
            #expect(try #require(row.timeOfProcess).median > 0, "\(row)")
        }
        let lines = outcome.text.split(separator: "\n", omittingEmptySubsequences: false)
        // Titles, rows, sentences and the host, with an empty line between, and after the last line's end.
        #expect(lines.count == 19 + figures.findings.count, "\(outcome)")
        #expect(try scratch.text("chart.svg").contains("guest, ring 3"))
    }
}
