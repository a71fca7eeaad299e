import Testing

@Suite("Help and version")
struct HelpTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    @Test("--version prints the version and nothing else", arguments: [["--version"], ["run", "--version"]])
    func version(arguments: [String]) async throws {
        let outcome = try await scratch.swiftvmm(arguments)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        #expect(outcome.text.wholeMatch(of: #/swiftvmm [0-9]+\.[0-9]+\.[0-9]+\n/#) != nil, "\(outcome)")
    }

    @Test("--help says what swiftvmm is and names every command", arguments: [["--help"], ["-h"], ["help"]])
    func help(arguments: [String]) async throws {
        let outcome = try await scratch.swiftvmm(arguments)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        for text in [
            "Runs guests on Linux KVM", "USAGE: swiftvmm", "--version", "--help", "\n  run ", "\n  inspect ",
            "\n  doctor ", "\n  compare ",
        ] {
            #expect(outcome.text.contains(text), "\(outcome)")
        }
    }

    @Test(
        "run --help names every option, its values and every status",
        arguments: [["run", "--help"], ["run", "-h"], ["help", "run"]])
    func runHelp(arguments: [String]) async throws {
        let outcome = try await scratch.swiftvmm(arguments)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        let options = outcome.text.split(separator: "\n").compactMap { $0.firstMatch(of: #/^  (--[a-z0-9-]+) /#)?.1 }
        #expect(
            options == [
                "--config", "--mode", "--format", "--load", "--entry", "--memory", "--initrd", "--cpus", "--irqchip",
                "--cmdline",
                "--console",
                "--virtio-console", "--virtio-port", "--serial2", "--disk", "--rng", "--timeout", "--grace", "--expect",
                "--success-status",
                "--no-coalescing", "--serial", "--screen", "--no-eventfd", "--report", "--trace", "--version",
            ])
        let words = outcome.text.split { $0.isWhitespace }.joined(separator: " ")
        for text in [
            "USAGE: swiftvmm run <image>", "(values: real, protected, long)",
            "(values: flat, boot-sector, elf, linux, multiboot, multiboot2, pvh)", "64M unless given",
            "real unless given", "with status 124", "standard input", "standard error",
        ] {
            #expect(words.contains(text), "\(outcome)")
        }
        for status in ["0 ", "64 ", "66 ", "69 ", "70 ", "74 ", "124 ", "125 ", "130 ", "143 "] {
            #expect(words.contains(" \(status)"), "\(outcome)")
        }
    }

    @Test(
        "an answer that cannot be written is a failure",
        arguments: ["--help", "--version", "run --help", "inspect --help"],
        [">/dev/full", ">&-"])
    func answerLost(arguments: String, redirection: String) async throws {
        let outcome = try await scratch.shell("exec \"$0\" \(arguments) \(redirection)")
        expectRefusal(outcome, 74, "cannot write to standard output")
    }
}
