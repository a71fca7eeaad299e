import FoundationEssentials
import TestSupport
import Testing

/// One after the other: there is one build of it at a time.
@Suite("The example packages", .requiresKVM, .serialized)
struct ExampleTests {
    private static let folder = "\(Checkout.root)/Examples"

    /// Builds an example where the environment does not name what was built before. All are built in one folder, so that the library is
    /// built once.
    private func run(_ name: String, _ variable: String, _ arguments: [String] = []) async throws -> Outcome {
        let scratch = try Scratch()
        if let binary = ProcessInfo.processInfo.environment[variable] {
            return try await scratch.shell("\"$@\"", [binary] + arguments)
        }
        return try await scratch.shell(
            """
            build=$1/.build name=$2
            swift build --quiet --package-path "$1/$2" --scratch-path "$build" >&2 || exit
            shift 2
            exec "$build/debug/$name" "$@"
            """,
            // A compiler beside all other tests.
            [Self.folder, name] + arguments, patience: TestScale.patience * 6)
    }

    private func run(_ guest: String) async throws -> Outcome {
        try await run("RunGuest", "SWIFTVMM_EXAMPLE", [guest])
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

    @Test("guests use devices of a program's own: at ports, in memory with an interrupt, and by virtio")
    func ownDevices() async throws {
        let outcome = try await run("OwnDevices", "SWIFTVMM_EXAMPLE_DEVICES")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
            outcome.text == """
                The square root of 1764 is 42.
                The timer has interrupted 3 times.
                The device has made of the text: HELLO FROM A VIRTIO DEVICE

                """)
    }
}
