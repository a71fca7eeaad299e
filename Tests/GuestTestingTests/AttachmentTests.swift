import FoundationEssentials
import Testing

@testable import GuestTesting

@Suite("What is kept of a run", .requiresKVM)
struct AttachmentTests {
    @Test("the files have the whole output and the report with the registers")
    func files() async throws {
        let outcome = try await Guest.printing("one\r\n", exit: 3).run()
        let folder = "\(FileManager.default.temporaryDirectory.path)/guest-testing-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try outcome.write(named: "kernel", to: folder)
        #expect(try Data(contentsOf: URL(filePath: "\(folder)/kernel.output")) == Data("one\r\n".utf8))
        struct Report: Decodable {
            struct Run: Decodable { let exitsByKind: [String: Int] }
            struct Stop: Decodable { let message: String }
            struct VCPU: Decodable { let registers: [String: String] }
            let run: Run
            let stop: Stop
            let vcpus: [String: VCPU]
        }
        let report = try JSONDecoder().decode(
            Report.self, from: Data(contentsOf: URL(filePath: "\(folder)/kernel.report.json")))
        #expect(report.run.exitsByKind == ["portWrite": 6])
        #expect(report.stop.message == "the guest ended with status 3")
        #expect(report.vcpus["0"]?.registers["rax"] == "0x3")
    }

    @Test("a test can keep them by itself")
    func attached() async throws {
        try await Guest.printing("x").run().attach(named: "kept/by itself")
    }
}
