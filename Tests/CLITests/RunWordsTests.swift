import ArgumentParser
import TestSupport
import Testing

@testable import swiftvmm

/// The quick way from words to options, beside the parser's.
@Suite("How the words of run are read")
struct RunWordsTests {
    @Test("both descriptions of run have the same options, of the same kinds")
    func sameOptions() throws {
        let run = try #require(try CommandDescription.root.subcommand("run"))
        let described = (run.arguments ?? []).filter { $0.kind != .positional }.map { argument in
            let names = argument.names?.map(\.word).joined(separator: " ") ?? ""
            return "\(names) \(argument.kind) \(argument.isRepeating ? "again" : "once")"
        }
        let read = RunWords.actions.map { name, action in
            switch action {
            case .flag: "--\(name) flag once"
            case .value: "--\(name) option once"
            case .list: "--\(name) option again"
            }
        }
        // These two are the parser's own.
        #expect(read + ["--version flag once", "-h --help flag once"] == described)
    }

    /// For each option a value other than what stands without it.
    private static let values = [
        "config": "m.json", "mode": "long", "format": "elf", "load": "0x8000", "entry": "7C0:10", "memory": "2M",
        "initrd": "a b",
        "cpus": "2", "timeout": "1.5", "grace": "2",
        "expect": "halted", "success-status": "33",
        "irqchip": "full", "cmdline": "a=b", "serial": "file:x", "console": "virtio", "virtio-console": "null",
        "virtio-port": "name=pty", "serial2": "pty", "disk": "disk,ro", "report": "r.json", "trace": "t",
        "screen": "text",
    ]

    @Test("each option has an effect of its own, with its value behind a space or an equals sign")
    func effects() throws {
        var seen = [RunOptions(image: "guest")]
        for (name, action) in RunWords.actions {
            let options: RunOptions
            if case .flag = action {
                options = try #require(try RunWords.options(["guest", "--\(name)"]), "\(name)")
            } else {
                let value = try #require(Self.values[name], "a value for \(name) is missing here")
                options = try #require(try RunWords.options(["--\(name)", value, "guest"]), "\(name)")
                #expect(try RunWords.options(["--\(name)=\(value)", "guest"]) == options)
            }
            #expect(!seen.contains(options), "\(name)")
            seen.append(options)
        }
    }

    @Test("inspect reads the options that a machine's plan depends on as run does")
    func inspected() throws {
        let inspect = try #require(try CommandDescription.root.subcommand("inspect"))
        var count = 0
        for (name, action) in RunWords.actions where inspect.option("--\(name)") != nil {
            var words = ["guest", "--\(name)"]
            if case .flag = action {} else { words.append(try #require(Self.values[name])) }
            if case .list = action { words += words.dropFirst() }
            let command = try #require(try InspectCommand.parse(words + ["--plan"]) as InspectCommand?)
            #expect(try command.machine.options(for: "inspect") == RunWords.options(words), "\(name)")
            count += 1
        }
        #expect(count == 16)
    }

    @Test("what can be given again adds, and of others the last counts")
    func again() throws {
        let options = try #require(
            try RunWords.options(["--disk", "a", "guest", "--disk", "b,ro", "--memory", "1M", "--memory=2M"]))
        #expect(options.disks.map(\.path) == ["a", "b"])
        #expect(options.memory == 2 << 20)
    }

    @Test("a screen without a value is the terminal, whatever follows")
    func screen() throws {
        func read(_ words: String...) throws -> RunOptions? {
            try RunWords.options(ScreenOption.completed(["run"] + words).dropFirst())
        }
        #expect(try read("guest", "--screen")?.screen == .terminal)
        #expect(try read("--screen", "guest")?.screen == .terminal)
        #expect(try read("--screen", "guest")?.image == "guest")
        #expect(try read("--screen", "text", "guest")?.screen == .text)
        #expect(try read("--screen=text", "guest")?.screen == .text)
        #expect(try read("--screen", "terminal", "guest")?.image == "guest")
        #expect(try read("--screen", "./text")?.image == "./text")
        for words in [["run", "--", "--screen"], ["run", "--cmdline", "--screen"], ["inspect", "x", "--screen"]] {
            #expect(ScreenOption.completed(words) == words)
        }
        #expect(throws: (any Error).self) { try read("--screen=picture", "guest") }
    }

    @Test("behind two dashes every word is an image, and a single dash is one anywhere")
    func dashes() throws {
        #expect(try RunWords.options(["--rng", "--", "--guest"])?.image == "--guest")
        #expect(try RunWords.options(["-", "--rng"])?.image == "-")
        #expect(try RunWords.options(["guest", "--report", "-"])?.report == "-")
    }

    @Test("words at random are understood by both ways or by neither, unless a value is wrong", .timeLimit(.minutes(5)))
    func sameWords() throws {
        var random = SplitMix64(seed: 15)
        let names = RunWords.actions.map(\.name) + ["version", "help", "nothing"]
        let root = try CommandDescription.root
        var understood = 0
        for _ in 0..<2_000 {
            var words: [String] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let name = names.randomElement(using: &random) ?? ""
                let value = Self.values[name] ?? "value"
                let more: [String] =
                    switch Int.random(in: 0...20, using: &random) {
                    case 0...9: Self.values[name] == nil ? ["--\(name)"] : ["--\(name)", value]
                    case 10...14: ["--\(name)=\(value)"]
                    case 15: ["--\(name)"]
                    case 16: ["--\(name)="]
                    case 17: ["-\(name)"]
                    case 18: ["--"]
                    case 19: [["-", "-h", "---", "-m"].randomElement(using: &random) ?? ""]
                    default: [""]
                    }
                words += more
            }
            if Bool.random(using: &random) { words.insert("guest", at: 0) }
            if Bool.random(using: &random) { words.append("guest") }
            let options: RunOptions?
            // The parser does not look at most values.
            do { options = try RunWords.options(words) } catch is Failure { continue }
            let isQuick = options != nil
            let isParsed = Misuse.find(in: ["run"] + words, for: root) == nil && (try? RunCommand.parse(words)) != nil
            #expect(isQuick == isParsed, "\(words)")
            if isQuick { understood += 1 }
        }
        #expect(understood > 200)
    }
}
