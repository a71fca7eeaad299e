import TestSupport
import Testing

/// A page of the documents: its files, which are code blocks with a language and a name, and its commands, lines that begin with `$`
/// in blocks without a language, each with what it prints.
private struct Page {
    struct Command {
        let line: String
        var output = ""
    }

    private(set) var files: [String: String] = [:]
    /// By the heading that they stand under.
    private(set) var commands: [String: [Command]] = [:]

    init(_ path: String) throws {
        let text = String(decoding: try Scratch.contents(ofFile: "\(Checkout.root)/\(path)"), as: UTF8.self)
        var heading = ""
        /// What stands behind the opening fence, inside a block.
        var block: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                block = block == nil ? line.dropFirst(3).split(separator: " ") : nil
            } else if let block {
                if block.count == 2 { files[String(block[1]), default: ""] += line + "\n" }
                if block.isEmpty { add(line, under: heading) }
            } else if line.hasPrefix("#") {
                heading = line.drop { $0 == "#" }.dropFirst().description
            }
        }
    }

    private mutating func add(_ line: Substring, under heading: String) {
        var list = commands[heading] ?? []
        if line.hasPrefix("$ ") {
            list.append(Command(line: String(line.dropFirst(2))))
        } else if let last = list.indices.last {
            list[last].output += line + "\n"
        }
        commands[heading] = list
    }
}

@Suite("Your first kernel, as docs/first-kernel.md has it", .requiresAnyKVM)
struct FirstKernelTests {
    /// Follows the page in a fresh folder.
    private func follow(_ headings: String..., at place: SourceLocation = #_sourceLocation) async throws {
        let page = try Page("docs/first-kernel.md")
        let scratch = try Scratch()
        for (name, text) in page.files { try scratch.write(Array(text.utf8), to: name) }
        for heading in headings {
            for command in try #require(page.commands[heading], "there is no \(heading)", sourceLocation: place) {
                let outcome = try await scratch.shell("swiftvmm() { \"$0\" \"$@\"; }\n{ \(command.line)\n} 2>&1")
                // A boot sector's line ends with a carriage return, too, which no page shows.
                let text = outcome.text.replacing("\r\n", with: "\n")
                #expect(text == command.output, "\(command.line)", sourceLocation: place)
            }
        }
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
