import GuestTesting
import XCTest

/// With XCTest.
final class KernelXCTests: GuestTestCase {
    private let kernel = Guest("kernel.elf").memory(.mebibytes(16))

    func testGreets() async throws {
        try await kernel.input("Ada\n").expect(output: "memory: 16 MiB\nname? hello, Ada!\n", exit: 0)
    }

    func testAsksBeforeItGreets() async throws {
        let session = kernel.start()
        try await session.wait(for: "name? ")
        session.send("Ada\n")
        let outcome = try await session.finish()
        XCTAssertEqual(outcome.reason, .exited(status: 0))
    }
}
