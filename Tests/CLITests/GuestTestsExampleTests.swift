import FoundationEssentials
import TestSupport
import Testing

/// Runs the tests of `Examples/GuestTests`, a kernel with tests in both frameworks.
private struct KernelTestRun {
    private static let folder = "\(Checkout.root)/Examples/GuestTests"
    /// What `scripts/test` built before.
    private static let binary = ProcessInfo.processInfo.environment["SWIFTVMM_EXAMPLE_TESTS"]
    /// Of the kernel and its tests; done once.
    private static let build =
        binary == nil ? "./build-kernel && swift build --quiet --build-tests >&2 &&" : ""

    let xctest: Outcome
    let swiftTesting: Outcome

    /// - Parameter prelude: commands before the test program, which `env` runs with these settings.
    init(after prelude: String = "", _ settings: String = "", way: String = "env") async throws {
        let scratch = try Scratch()
        let binary = Self.binary ?? "\(Self.folder)/.build/debug/GuestTestsPackageTests.xctest"
        func run(_ options: String) async throws -> Outcome {
            try await scratch.shell(
                "cd \"$1\" && \(Self.build) exec \(way) sh -ec \"$3\" \"$2\"",
                [Self.folder, binary, "\(prelude)\nexec env \(settings) \"$0\" \(options)"],
                // A compiler beside all other tests.
                patience: TestScale.patience * 6)
        }
        xctest = try await run("")
        swiftTesting = try await run("--testing-library swift-testing")
    }
}

@Suite("The example of tests", .requiresKVM)
struct GuestTestsExampleTests {
    @Test("they pass, in both frameworks")
    func passes() async throws {
        let run = try await KernelTestRun()
        #expect(run.xctest.status == 0, "\(run.xctest)")
        #expect(run.xctest.text.contains("Executed 2 tests, with 0 failures"), "\(run.xctest)")
        #expect(run.swiftTesting.status == 0, "\(run.swiftTesting)")
        #expect(run.swiftTesting.errors.contains("Test run with 4 tests in 1 suite passed"), "\(run.swiftTesting)")
    }
}

/// In a mount namespace in which /dev/kvm is another device.
@Suite(
    "The example of tests without KVM", .serialized,
    .enabled("this machine gives no mount namespace", { await MountNamespace.way != nil }))
struct GuestTestsWithoutKVMTests {
    private let prelude = "mount --bind /dev/null /dev/kvm"

    @Test("tests are skipped, and say why")
    func skips() async throws {
        let way = try #require(await MountNamespace.way)
        let run = try await KernelTestRun(after: prelude, "-u SWIFTVMM_REQUIRE_KVM", way: way)
        #expect(run.xctest.status == 0, "\(run.xctest)")
        #expect(run.xctest.text.contains("Test skipped - cannot open /dev/kvm: "), "\(run.xctest)")
        #expect(run.xctest.text.contains("Executed 2 tests, with 2 tests skipped"), "\(run.xctest)")
        #expect(run.swiftTesting.status == 0, "\(run.swiftTesting)")
        #expect(
            run.swiftTesting.errors.contains("Suite \"The kernel\" skipped: \"cannot open /dev/kvm: "),
            "\(run.swiftTesting)")
    }

    @Test("with SWIFTVMM_REQUIRE_KVM they fail, with what is missing")
    func fails() async throws {
        let way = try #require(await MountNamespace.way)
        let run = try await KernelTestRun(after: prelude, "SWIFTVMM_REQUIRE_KVM=1", way: way)
        let words = "KernelXCTests.swift:9: kernel.elf: cannot open /dev/kvm: Inappropriate ioctl for device"
        #expect(run.xctest.status != 0, "\(run.xctest)")
        #expect(run.xctest.text.contains("KernelTests/\(words)"), "\(run.xctest)")
        #expect(run.swiftTesting.status != 0, "\(run.swiftTesting)")
    }
}

@Suite("The GitHub workflow of the example, and the action", .serialized)
struct KVMActionTests {
    private static let action = ".github/actions/kvm/action.yml"

    /// The commands of a file's first step that has more than one.
    private static func step(of file: String) throws -> String {
        let text = String(decoding: try Scratch.contents(ofFile: "\(Checkout.root)/\(file)"), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasSuffix(" run: |") }) + 1
        let indent = lines[start].prefix { $0 == " " }
        return lines[start...].prefix { $0.hasPrefix(indent) }.map { $0.dropFirst(indent.count) + "\n" }.joined()
    }

    private func run(after prelude: String, way: String) async throws -> Outcome {
        // As GitHub runs a step.
        try await Scratch().shell(
            "exec \(way) sh -ec \"$1\" \"$2\"",
            ["\(prelude)\nexec bash --noprofile --norc -eo pipefail -c \"$0\"", try Self.step(of: Self.action)])
    }

    @Test("both let the user open /dev/kvm by the same commands")
    func isSame() throws {
        let step = try Self.step(of: Self.action)
        #expect(step == (try Self.step(of: "Examples/GuestTests/.github/workflows/test.yml")))
        #expect(step.contains(#"'KERNEL=="kvm", GROUP="kvm", MODE="0666", OPTIONS+="static_node=kvm"'"#))
    }

    @Test("the commands do nothing where it can be opened", .requiresAnyKVM)
    func opens() async throws {
        let outcome = try await run(after: "", way: "env")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == "/dev/kvm can be opened.\n")
    }

    @Test("they fail in words where it cannot be opened, and there is no sudo")
    func noSudo() async throws {
        // A program that begins a session has no terminal, and so cannot open this device, which is there.
        let step = try Self.step(of: Self.action).replacing("/dev/kvm", with: "/dev/tty")
        let outcome = try await Scratch().shell(
            "exec setsid --wait env PATH=/nowhere \"$(command -v bash)\" --noprofile --norc -eo pipefail -c \"$1\"",
            [step])
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.text == "::error::this user cannot open /dev/tty, and there is no sudo to change that\n")
    }

    @Test(
        "they fail at once where there is none",
        .enabled("this machine gives no mount namespace", { await MountNamespace.way != nil }))
    func fails() async throws {
        let way = try #require(await MountNamespace.way)
        let outcome = try await run(after: "mount -t tmpfs none /dev", way: way)
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.text == "::error::this runner has no /dev/kvm; take one with KVM, such as ubuntu-24.04\n")
    }
}
