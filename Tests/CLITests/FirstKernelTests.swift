import TestSupport
import Testing

@Suite("Your first kernel, as docs/first-kernel.md has it", .requiresAnyKVM)
struct FirstKernelTests {
    private func follow(_ headings: String..., at place: SourceLocation = #_sourceLocation) async throws {
        try await Page("docs/first-kernel.md").follow(headings, at: place)
    }

    @Test("a boot sector by nasm", .requires("command -v nasm", "there is no nasm"))
    func nasm() async throws { try await follow("By nasm") }

    @Test("a boot sector by GNU as", .requires("as --version && ld --version", "there are no GNU binutils"))
    func gnuAs() async throws { try await follow("By GNU as") }

    @Test("kernels by gcc", .requires("command -v gcc && ld --version", "there is no gcc"))
    func gcc() async throws { try await follow("By gcc", "What came of it") }

    @Test("kernels by clang", .requires("command -v clang && command -v ld.lld", "there is no clang, or no ld.lld"))
    func clang() async throws { try await follow("By clang", "What came of it") }

    @Test(
        "a kernel by Rust",
        .requires(
            "test -d \"$(rustc --print target-libdir --target x86_64-unknown-none)\"",
            "there is no rustc with the target x86_64-unknown-none"))
    func rust() async throws { try await follow("In Rust") }

    @Test("a kernel by Zig", .requires("command -v zig", "there is no zig"))
    func zig() async throws { try await follow("In Zig") }
}

extension Trait where Self == ConditionTrait {
    /// Skips, and says what is missing, where this command of a shell fails.
    fileprivate static func requires(_ command: String, _ missing: Comment) -> Self {
        .enabled(missing) { try await Scratch().shell(command).status == 0 }
    }
}
