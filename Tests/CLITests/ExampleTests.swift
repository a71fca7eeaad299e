import FoundationEssentials
import TestSupport
import Testing

/// One after the other: there is one build of it at a time.
@Suite("The example package", .requiresKVM, .serialized)
struct ExampleTests {
    private static let folder = "\(Checkout.root)/Examples/RunGuest"

    /// Builds it where `SWIFTVMM_EXAMPLE` does not name what was built before.
    private func run(_ guest: String) async throws -> Outcome {
        let scratch = try Scratch()
        if let binary = ProcessInfo.processInfo.environment["SWIFTVMM_EXAMPLE"] {
            return try await scratch.shell("\"$1\" \"$2\"", [binary, guest])
        }
        return try await scratch.shell(
            "swift build --quiet --package-path \"$1\" >&2 && \"$1/.build/debug/RunGuest\" \"$2\"",
            // A compiler beside all other tests.
            [Self.folder, guest], patience: TestScale.patience * 6)
    }

    @Test("it runs real-hello through the library and tells how it ended")
    func runsHello() async throws {
        let outcome = try await run(Guests.path("real-hello.bin"))
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == "The guest halted. It said: Hello from real mode!\n")
    }

    @Test("it tells a guest's own status from a halt")
    func runsExit() async throws {
        #expect(try await run(Guests.path("real-exit.bin")).text == "The guest ended with status 42.\n")
    }
}
