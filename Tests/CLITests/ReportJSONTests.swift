import FoundationEssentials
import KVM
import Testing

@testable import VMM
@testable import swiftvmm

/// The report's text, made without Foundation, beside what Foundation makes of the same values.
@Suite("The report as JSON")
struct ReportJSONTests {
    private func expectSame(_ file: RunReportFile, at place: SourceLocation = #_sourceLocation) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let expected = String(decoding: try encoder.encode(file), as: UTF8.self) + "\n"
        #expect(String(decoding: file.json.bytes, as: UTF8.self) == expected, sourceLocation: place)
    }

    /// A report with something in all its properties.
    private static var whole: RunReport {
        var console = DeviceReport(name: "console")
        console.consoleBytes = 5
        console.doorbellExits = .max
        console.fault = "a \"fault\""
        console.requests = 1
        console.failedRequests = 0
        console.lastCode = 0xFF
        console.lostRequests = 3
        console.ports = [
            VirtioPortReport(name: "log", bytes: 1, droppedBytes: 2, failure: "No space left on device"),
            VirtioPortReport(name: "other", bytes: 0, droppedBytes: 0, failure: nil),
        ]
        var report = RunReport()
        report.wallNanoseconds = .min
        report.cpuNanoseconds = 7
        report.exitCount = 12
        report.coalescedWrites = 4
        report.exitsByKind = ["portWrite": 1, "halt": 2, "mmioRead": 3]
        report.latencies = ["halt": RunReport.Percentiles(count: 1, p50: 2, p90: 3, p99: 4, max: 5)]
        report.exitsByPort = [RunReport.PortCount(port: "0x3f8", direction: "write", count: 1)]
        report.exitsByPage = [
            RunReport.PageCount(page: "0xd0000000", direction: "read", count: 1),
            RunReport.PageCount(page: "others", direction: "both", count: 2),
        ]
        report.devices = [DeviceReport(name: "post"), console]
        report.consoleBytes = ["uart": 1, "debug": 2]
        report.unwrittenBytes = 9
        report.doorbellExits = 6
        report.lostHypercalls = 1
        let unmapped = RunReport.UnmappedCount(address: "0x1", reads: 1, writes: 2)
        (report.unmappedPorts, report.unmappedMemory, report.refusedMSRs) = (
            [unmapped], [unmapped, unmapped], [unmapped]
        )
        report.postCode = 0x80
        return report
    }

    private static var snapshot: CPUSnapshot {
        var snapshot = CPUSnapshot(
            registers: GeneralRegisters(), special: SpecialRegisters(), instruction: InstructionBytes([0x0F, 0x0B]))
        snapshot.stack = [1, .max]
        snapshot.symbol = "main+3"
        return snapshot
    }

    @Test("nothing is left out of a report that has everything")
    func everything() throws {
        for value in [Mirror(reflecting: Self.whole), Mirror(reflecting: Self.whole.devices[1])] {
            for property in value.children {
                let isNil = Mirror(reflecting: property.value).displayStyle == .optional && "\(property.value)" == "nil"
                #expect(!isNil, "give \(property.label ?? "") a value here, so that it is compared")
            }
        }
        try expectSame(
            RunReportFile(image: "guest", stop: StopSummary(.halted, unwritten: 0), run: Self.whole, vcpus: [:]))
        try expectSame(
            RunReportFile(
                image: "guest", stop: StopSummary(.deadline, unwritten: 1), run: Self.whole,
                vcpus: [0: Self.snapshot, 10: Self.snapshot]))
    }

    @Test("neither is there more in one that has nothing")
    func nothing() throws {
        try expectSame(
            RunReportFile(image: "", stop: StopSummary(.exited(status: 3), unwritten: 0), run: RunReport(), vcpus: [:]))
        try expectSame(RunReportFile(image: "guest", stop: StopSummary(.deadline, unwritten: 0), run: nil, vcpus: [:]))
    }

    @Test("a name of any letters is written as Foundation writes it")
    func names() throws {
        let every = String(String.UnicodeScalarView((0..<0x180).compactMap(UnicodeScalar.init)))
        for name in [every, "/a/\\b\"c", "\u{2028}\u{1F600}é\u{301}"] {
            try expectSame(RunReportFile(image: name, stop: StopSummary(.halted, unwritten: 0), run: nil, vcpus: [:]))
        }
    }
}
