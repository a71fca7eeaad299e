import TestSupport
import Testing

@Suite("What compare console refuses before it runs anything")
struct CompareRefusalTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    @Test(
        "bad usage has status 64",
        arguments: [
            ["compare", "nothing"], ["compare", "--quick", "console"], ["compare", "contain"],
            ["compare", "startup", "extra"],
            ["compare", "memory", "--guest", "a"], ["compare", "console", "--bogus"], ["compare", "console", "extra"],
            ["compare", "console", "--json"],
        ])
    func usage(arguments: [String]) async throws {
        let outcome = try await scratch.swiftvmm(arguments)
        #expect(outcome.status == 64, "\(outcome)")
        #expect(outcome.output == [])
        #expect(outcome.lastError.hasSuffix("; see swiftvmm --help and swiftvmm compare --help"), "\(outcome)")
    }

    @Test("help tells every option, and nothing of what users do not call")
    func help() async throws {
        let outcome = try await scratch.swiftvmm("compare", "console", "--help")
        #expect(outcome.status == 0, "\(outcome)")
        for text in ["USAGE: swiftvmm compare console", "--quick", "--guest <file>", "--json <file>", "--svg <file>"] {
            #expect(outcome.text.contains(text), "\(outcome)")
        }
        let all = try await scratch.swiftvmm("compare", "--help")
        for name in ["all (default)", "console", "startup", "memory"] {
            #expect(all.text.contains("  \(name) "), "\(all)")
        }
        #expect(!all.text.contains("write-payload") && !all.text.contains("contain "), "\(all)")
    }

    @Test("a guest that is not there has status 66, and a remedy")
    func missingGuest() async throws {
        expectRefusal(
            try await scratch.swiftvmm("compare", "console", "--guest", "missing.elf"), 66,
            "cannot read the guest missing.elf; name another file with --guest")
        // A copy stands where no guests are.
        let outcome = try await scratch.shell("cp \"$0\" copy && exec ./copy compare console")
        expectRefusal(
            outcome, 66,
            "cannot find guests/build/console-bench.elf; build it with scripts/build-guests, or name it with --guest")
    }

    @Test(
        "programs that are not there have status 66",
        arguments: [("startup", "startup-process"), ("memory", "memory-process"), ("all", "console-bench.elf")])
    func missingPrograms(comparison: String, file: String) async throws {
        let outcome = try await scratch.shell("cp \"$0\" copy && exec ./copy compare $1", [comparison])
        expectRefusal(outcome, 66, "cannot find guests/build/\(file); build it with scripts/build-guests")
    }

    @Test("files that cannot be written have status 74, and a remedy", .requiresAnyKVM)
    func unwritable() async throws {
        try scratch.makeFolder("folder")
        for (option, what) in [("--json", "figures"), ("--svg", "chart")] {
            for (path, reason) in [("folder", "it is a directory"), ("missing/file", "No such file or directory")] {
                let outcome = try await compare(option, path)
                expectRefusal(
                    outcome, 74, "cannot write the \(what) \(path): \(reason); name another file with \(option)")
            }
        }
        #expect(try scratch.names == ["folder"])
    }

    @Test("one file for both, none, and the guest itself have status 64", .requiresAnyKVM)
    func oneFile() async throws {
        expectRefusal(
            try await compare("--json", "a", "--svg", "a"), 64, "--json a and --svg a are one file; name two")
        expectRefusal(try await compare("--svg", ""), 64, "--svg takes the name of a file, not an empty one")
        let guest = Guests.path("long-hello.elf")
        expectRefusal(
            try await compare("--json", guest), 64, "--json \(guest) would replace the guest; name another file")
        expectRefusal(
            try await scratch.swiftvmm("compare", "--json", "a-startup.svg", "--svg", "a.svg"), 64,
            "--json a-startup.svg and --svg a-startup.svg are one file; name two")
        #expect(try scratch.names == [])
    }

    @Test("closed standard output is found out before the work", .requiresAnyKVM, arguments: [">&-", "1</dev/null"])
    func closedOutput(redirection: String) async throws {
        let outcome = try await scratch.swiftvmm(
            ["compare", "console", "--guest", Guests.path("long-hello.elf"), "--json", "figures.json"],
            redirection: redirection)
        expectRefusal(outcome, 74, "cannot write to standard output")
        #expect(try scratch.names == [])
    }

    /// With a guest that would fail by something else, had it run.
    private func compare(_ options: String...) async throws -> Outcome {
        try await scratch.swiftvmm(["compare", "console", "--guest", Guests.path("long-hello.elf")] + options)
    }
}
