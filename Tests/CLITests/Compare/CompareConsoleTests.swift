import FoundationEssentials
import TestSupport
import Testing

@testable import Comparison

/// What `--json` writes, as another program reads it.
private struct Figures: Decodable {
    struct Spread: Decodable {
        let median: Double
        let min: Double
        let max: Double
    }

    struct Round: Decodable {
        let byteCount: UInt64
        let exits: Exits?
    }

    struct Exits: Decodable {
        let count: UInt64
        let byKind: [String: UInt64]
    }

    struct Row: Decodable {
        let technique: String
        let kind: String
        let bufferBytes: Int?
        let bytesPerSecond: Spread
        let exitsPerByte: Double?
        let ratioToUARTBlind: Double
        let ratioToPlainProcess: Double?
        let rounds: [Round]
    }

    struct Host: Decodable {
        let processor: String
        let kernel: String
    }

    let version: String
    let host: Host
    let rows: [Row]
    let findings: [String]

    init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(Figures.self, from: Data(bytes))
    }
}

@Suite("swiftvmm compare console", .requiresKVM)
struct CompareConsoleTests {
    @Test("every technique is measured, every byte is right, and exits per byte are what they must be")
    func quick() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm(
            "compare", "console", "--quick", "--guest", Guests.path("console-bench.elf"), "--json", "figures.json",
            "--svg", "chart.svg")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        #expect(try scratch.names == ["chart.svg", "figures.json"])

        let figures = try Figures(try scratch.read("figures.json"))
        let techniques = [
            "plain", "virtio", "virtio-exits", "hypercall", "debug", "uart-outsb-coalesced", "uart-outsb",
            "uart-blind-coalesced", "uart-blind", "uart-polled-coalesced", "uart-polled", "uart-interrupt",
        ]
        #expect(figures.rows.map(\.technique) == techniques)
        #expect(figures.rows.allSatisfy { $0.rounds.count == 3 })
        #expect(figures.findings.filter { !$0.hasPrefix("The machine was ") }.count == 3)
        let rows = Dictionary(uniqueKeysWithValues: figures.rows.map { ($0.technique, $0) })
        try expectExits(rows)
        let lines = outcome.text.split(separator: "\n", omittingEmptySubsequences: false)
        // Titles, rows, sentences and the host, with an empty line between, and after the last line's end.
        #expect(lines.count == 19 + figures.findings.count)
        #expect(lines[16 + figures.findings.count].hasPrefix(figures.host.processor))
        let svg = try scratch.text("chart.svg")
        #expect(svg.hasPrefix("<svg ") && svg.contains("UART blind, each an exit"))
    }

    private func expectExits(_ rows: [String: Figures.Row]) throws {
        /// Of the smallest round; start and end have less than a hundred.
        func expect(
            _ technique: String, _ perByte: Double, _ slack: Double, at place: SourceLocation = #_sourceLocation
        ) throws {
            for round in try #require(rows[technique]).rounds {
                let count = Double(try #require(round.exits).count)
                let wanted = perByte * Double(round.byteCount)
                #expect(
                    count >= wanted && count <= wanted * slack + 200, "\(technique): \(round)", sourceLocation: place)
            }
        }
        try expect("uart-polled", 2, 1.1)
        try expect("uart-blind", 1, 1.1)
        try expect("uart-outsb", 1, 1.1)
        try expect("debug", 1, 1.1)
        try expect("uart-polled-coalesced", 1, 1.1)
        for round in try #require(rows["virtio"]).rounds {
            #expect(round.exits?.byKind["mmioWrite", default: 0] ?? .max < 200, "doorbells and setup: \(round)")
        }
        for round in try #require(rows["virtio-exits"]).rounds {
            let doorbells = try #require(round.exits).byKind["mmioWrite", default: 0]
            #expect(doorbells <= round.byteCount / 65_536 + 200, "at most one for each buffer: \(round)")
        }
        for round in try #require(rows["uart-blind-coalesced"]).rounds {
            // Without the looks at the ring that come every 10 ms, of which a busy machine makes more for each byte.
            let writes = try #require(round.exits).byKind["portWrite", default: 0]
            #expect(Double(writes) <= 0.01 * Double(round.byteCount) + 100, "\(round)")
        }
        #expect(try #require(rows["virtio"]?.ratioToUARTBlind) > 1)
    }

    @Test("a guest that prints something else is found out, whatever its status")
    func liar() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm(
            "compare", "console", "--quick", "--guest", Guests.path("long-hello.elf"), "--json", "figures.json")
        #expect(outcome.status == 70 && outcome.output.isEmpty, "\(outcome)")
        #expect(
            outcome.lastError
                == "swiftvmm: virtio, ioeventfd, 64 KiB: byte 0 of its output is 0x48, not 0x3c; it printed \"Hello from long mode!\"",
            "\(outcome)")
        #expect(try scratch.names == [])
    }

    @Test("a guest that fails is told with its last words")
    func failingGuest() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.swiftvmm("compare", "console", "--guest", Guests.path("triple-fault.bin"))
        #expect(outcome.status == 70, "\(outcome)")
        #expect(outcome.output == [])
        #expect(outcome.lastError.hasPrefix("swiftvmm: virtio, ioeventfd, 64 B failed: "), "\(outcome)")
    }

    @Test("a guest that does not stop printing, or does not end, is given up")
    func endless() async throws {
        let scratch = try Scratch()
        // The payload's first bytes are not these.
        let guest = try scratch.write(
            TinyGuest.forever(TinyGuest.out(0x3F8, UInt8(ascii: "x"))), to: "guest.bin")
        let printing = try await scratch.swiftvmm("compare", "console", "--quick", "--guest", guest)
        #expect(printing.status == 70, "\(printing)")
        #expect(printing.lastError.contains("byte 0 of its output is 0x78, not 0x3c"), "\(printing)")
        let subject = ConsoleSubject(technique: .debugConsole, buffer: 64)
        let spin = Guests.path("spin.bin")
        let hanging = ConsoleSubjectRunner(swiftvmm: Binary.path, guest: spin, timeLimit: 0.1)
        let failure = #expect(throws: ComparisonError.self) { try hanging.measure(subject, byteCount: 1) }
        #expect(failure == .fault("debug console failed: the deadline passed before the guest ended"))
        // As swiftvmm itself might.
        let stuck = ConsoleSubjectRunner(swiftvmm: Binary.path, guest: spin, timeLimit: 1000, patience: 0.1)
        let end = #expect(throws: ComparisonError.self) { try stuck.measure(subject, byteCount: 1) }
        #expect(end == .fault("debug console: it did not end within 0.1 s"))
    }

    @Test("SIGINT and SIGTERM end it at once, with nothing left behind", arguments: [(2, "SIGINT"), (15, "SIGTERM")])
    func signals(number: Int32, name: String) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.talk(
            "compare", "console", "--guest", Guests.path("console-bench.elf"), "--json", "figures.json", "--svg",
            "chart.svg"
        ) { session in
            try await session.state.waitUntilSignalsAreCaught()
            try await Task.sleep(for: .milliseconds(300))
            try session.send(number)
            try await session.readToEnd()
        }
        #expect(outcome.status == 128 + number, "\(outcome)")
        #expect(outcome.errors == "swiftvmm: ended by \(name)\n")
        #expect(outcome.output == [])
        #expect(try scratch.names == [])
    }
}
