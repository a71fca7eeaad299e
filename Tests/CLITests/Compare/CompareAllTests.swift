import FoundationEssentials
import TestSupport
import Testing

@Suite("swiftvmm compare", .requiresAnyKVM)
struct CompareAllTests {
    private struct Member: Decodable {
        let comparison: String
    }

    @Test("all comparisons by one word: a heading for each, a chart for each, and one JSON file")
    func all() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm("compare", "--quick", "--json", "all.json", "--svg", "charts.svg")
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        let names = ["compute", "console", "memory", "startup"]
        #expect(try scratch.names == ["all.json"] + names.map { "charts-\($0).svg" })
        for name in names { #expect(outcome.text.contains("compare \(name)\n════"), "\(outcome)") }
        let table = try #require(outcome.text.split(separator: "in short\n════════\n\n").last)
        #expect(table.contains("host process") && table.contains("virtual machine"), "\(table)")
        for line in ["printing, paravirtual: virtio", "start to first byte", "time for integer arithmetic", "memory, "]
        {
            #expect(table.contains("\n\(line)"), "\(line) in \(table)")
        }
        let members = try JSONDecoder().decode([String: Member].self, from: Data(try scratch.read("all.json")))
        #expect(members.mapValues(\.comparison) == Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }))
    }

    @Test("when one fails, what those before it found is kept")
    func failure() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            mkdir guests && cp "$0" copy && cp -r "$1" guests/build && cp "$1/long-hello.elf" guests/build/startup-bench.elf
            exec ./copy compare --quick --json all.json --svg charts.svg
            """, [String(Guests.path("").dropLast())])
        #expect(outcome.status == 70, "\(outcome)")
        #expect(outcome.lastError.hasPrefix("swiftvmm: machine, long mode: it printed"), "\(outcome)")
        #expect(outcome.text.contains("compare console\n════") && !outcome.text.contains("compare startup"))
        #expect(outcome.text.contains("\nprinting, paravirtual: virtio"))
        #expect(try scratch.names == ["all.json", "charts-console.svg", "copy", "guests"])
        let members = try JSONDecoder().decode([String: Member].self, from: Data(try scratch.read("all.json")))
        #expect(members.keys.sorted() == ["console"])
    }
}
