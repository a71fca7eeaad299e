import TestSupport
import Testing
import VMM

/// What each way to print costs in exits. Every byte of the guest's other work is the same for all of them.
@Suite("Exits for each byte that a guest prints", .requiresKVM)
struct ConsoleExitTests {
    private static func run(
        _ technique: String, _ count: Int, _ configure: (inout MachineConfiguration) -> Void = { _ in }
    ) throws -> RunReport {
        let run = try GuestRun(guest: "console-bench.elf") {
            $0.commandLine = "technique=\(technique) bytes=\(count)"
            configure(&$0)
        }
        #expect(run.reason == .exited(status: 0), "\(run.text)")
        #expect(run.output == Array(BenchPayload().part(from: 0, count: count)))
        return run.report
    }

    /// One for each hundred bytes at most, besides the looks at the ring each 10 ms: of those there are the more, the longer the host
    /// takes for the bytes.
    private static func expectFew(_ report: RunReport, _ count: Int, _ location: SourceLocation = #_sourceLocation) {
        let looks = report.exitsByKind["interrupted"] ?? 0
        #expect(report.exitCount - looks <= UInt64(count / 100), sourceLocation: location)
        #expect(looks <= UInt64(report.wallNanoseconds / 10_000_000) + 10, sourceLocation: location)
    }

    private static func exits(_ report: RunReport, _ port: String, _ direction: String) -> UInt64 {
        report.exitsByPort.first { $0.port == port && $0.direction == direction }?.count ?? 0
    }

    @Test("UART polled: 2")
    func polled() throws {
        let report = try Self.run("uart-polled", 2_000) { $0.setSerial { $0.coalescesOutput = false } }
        #expect(Self.exits(report, "0x3f8", "write") == 2_000)
        // Another read finds out whether there is a port.
        #expect(Self.exits(report, "0x3fd", "read") == 2_001)
        // The exit port's write besides; looks of the run loop at the output that waits are no doing of the guest.
        #expect(report.exitCount - (report.exitsByKind["interrupted"] ?? 0) == 4_002)
    }

    @Test("UART blind: 1")
    func blind() throws {
        let report = try Self.run("uart-blind", 2_000) { $0.setSerial { $0.coalescesOutput = false } }
        #expect(Self.exits(report, "0x3f8", "write") == 2_000)
        #expect(report.exitCount - (report.exitsByKind["interrupted"] ?? 0) == 2_002)
    }

    @Test("UART blind, coalesced: 0.01 at most, and the looks at the ring")
    func coalesced() throws {
        // Seen: 0.0067, of which 0.0059 are writes that found the ring full.
        Self.expectFew(try Self.run("uart-blind", 100_000), 100_000)
    }

    @Test("REP OUTSB, coalesced: 0.01 at most, and the looks at the ring")
    func strings() throws {
        Self.expectFew(try Self.run("uart-outsb", 100_000), 100_000)
    }

    @Test(
        "UART by interrupt: 1 for the byte, and what the interrupts cost",
        arguments: [InterruptControllers.full, .split])
    func byInterrupt(controllers: InterruptControllers) throws {
        let report = try Self.run("uart-interrupt", 2_000) { $0.interruptControllers = controllers }
        #expect(Self.exits(report, "0x3f8", "write") == 2_000)
    }

    @Test("hypercall: 1 for each buffer")
    func hypercall() throws {
        let report = try Self.run("hypercall", 64 << 10) { $0.commandLine += " buffer=4096" }
        #expect(Self.exits(report, "0x510", "write") <= 16 + 1)
    }

    @Test("debug console: 1")
    func debug() throws {
        #expect(Self.exits(try Self.run("debug", 2_000), "0xe9", "write") == 2_000)
    }
}
