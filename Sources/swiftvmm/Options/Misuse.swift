import ArgumentParser
import Glibc
import VMM

/// What is wrong with the words of a command line, where the parser would say it worse, or take it for a request for help.
struct Misuse {
    /// The commands so far, as they are typed.
    private var path: [String] = []
    private var command: CommandDescription
    /// Those that one of them could be.
    private var commandWords: [String] = []
    private let root: CommandDescription
    private var rest: ArraySlice<String>

    /// - Returns: nil where the parser is to speak.
    static func find(in words: [String], for root: CommandDescription) -> Failure? {
        var misuse = Misuse(root, words)
        return misuse.message().map { failure($0, command: misuse.path.first) }
    }

    /// - Parameter command: the one whose help is named; `run` where there is none.
    static func failure(_ message: String, command: String?) -> Failure {
        Failure(
            status: .usage,
            message: "\(message); see swiftvmm --help and swiftvmm \(command ?? RunOptions.command) --help")
    }

    private init(_ root: CommandDescription, _ words: [String]) {
        (self.root, command, rest) = (root, root, words[...])
    }

    private mutating func message() -> String? {
        guard let first = rest.first else { return nil }
        if let message = messageOfRequest(first) { return message.isEmpty ? nil : message }
        if first == "help" { return messageOfHelp() }
        while let next = rest.first.flatMap({ command.subcommand($0) }) {
            path.append(rest.removeFirst())
            command = next
        }
        if path.isEmpty, let message = messageWithoutCommand(first) { return message }
        commandWords = command.commandWords
        command = command.parsing
        return messageOfOptions()
    }

    /// - Returns: nil where the first word asks for nothing that the parser alone gives, and nothing in words where it does.
    private func messageOfRequest(_ first: String) -> String? {
        let words = rest.dropFirst()
        switch OptionWord(first)?.name {
        case "experimental-dump-help": return words.first.map { "'\($0)' is one word too many behind '\(first)'" } ?? ""
        case "generate-completion-script":
            let shells = CompletionShell.allCases.map(\.rawValue)
            let shell = OptionWord(first)?.value ?? words.first
            guard shell.map(shells.contains) != false, words.count <= (OptionWord(first)?.value == nil ? 1 : 0) else {
                return
                    "completion scripts are for \(shells.sorted().joined(separator: ", ")), as in: swiftvmm --generate-completion-script bash"
            }
            return ""
        default: return nil
        }
    }

    private mutating func messageOfHelp() -> String? {
        var command = root
        for word in rest.dropFirst() {
            guard let next = command.subcommand(word) else {
                return "there is no command '\(word)' to help with\(Self.guess(word, command.commandWords))"
            }
            command = next
        }
        return nil
    }

    private func messageWithoutCommand(_ first: String) -> String? {
        guard first.isOption else {
            // SAFETY: a C string for the length of the call.
            guard unsafe access(first, F_OK) != 0 else {
                return "'\(first)' is a file and no command; to boot it: swiftvmm run \(first)"
            }
            return
                "there is no command '\(first)', and no file of that name that could be run\(Self.guess(first, root.commandWords))"
        }
        let long = Self.long(first)
        if root.option(first) != nil || root.subcommand(RunOptions.command)?.option(long) == nil { return nil }
        // What both have means another thing in QEMU, perhaps.
        var others = rest.dropFirst()
        if !first.hasPrefix("--"), ForeignWord.advice(first, &others) != nil { return nil }
        let words = long == "--config" ? "\(long) machine.json" : "guest.bin \(long)"
        return "a command is missing before '\(first)', as in: swiftvmm run \(words)"
    }

    private mutating func messageOfOptions() -> String? {
        var messages: [String] = []
        var foreign: [String] = []
        var positionals = 0
        var isAfterValue = false
        var areOptionsOver = false
        while let word = rest.popFirst() {
            if !areOptionsOver, word == "--" {
                areOptionsOver = true
            } else if areOptionsOver || !word.isOption {
                positionals += 1
                if let message = messageOfPositional(word, positionals, isAfterValue) { messages.append(message) }
            } else if let option = command.option(OptionWord(word).map { "--\($0.name)" } ?? word) {
                if let message = messageOfValue(option, word) { messages.append(message) }
                isAfterValue = option.kind == .option
            } else if let advice = messageOfForeign(word) {
                foreign.append(advice)
            } else {
                messages.append(unknown(word))
            }
        }
        // What is QEMU's explains the rest.
        guard foreign.isEmpty else { return foreign.joined(separator: "; ") }
        return messages.first
    }

    /// - Parameters:
    ///   - number: how many there are so far.
    ///   - isAfterValue: whether it may belong to the value of an option.
    private func messageOfPositional(_ word: String, _ number: Int, _ isAfterValue: Bool) -> String? {
        guard number > command.positionalLimit else {
            return word.isEmpty
                ? "the image's name is empty; it may be that of a shell's variable without a value" : nil
        }
        let what = command.positionalLimit == 0 ? "takes options only" : "takes one image"
        let remedy = isAfterValue ? "; a value with spaces needs quotes" : ""
        let command = (["swiftvmm"] + path).joined(separator: " ")
        return "'\(word)' is one word too many: \(command) \(what)\(remedy)\(Self.guess(word, commandWords))"
    }

    /// Takes the value of a word of QEMU's. With two dashes it may be a word of ours that is misspelt.
    private mutating func messageOfForeign(_ word: String) -> String? {
        guard path.isEmpty || command.positionalLimit > 0,
            !word.hasPrefix("--") || Self.guess(Self.long(word), command.optionWords).isEmpty
        else { return nil }
        return ForeignWord.advice(word, &rest)
    }

    /// Takes the value of an option that is there.
    private mutating func messageOfValue(
        _ option: CommandDescription.Argument, _ word: String
    ) -> String? {
        let (name, value) = (OptionWord(word).map { "--\($0.name)" } ?? word, OptionWord(word)?.value)
        guard option.kind == .option else { return value.map { "'\(name)' takes no value, and '\($0)' is given" } }
        guard value != "" else { return "'\(name)=' has no value" }
        guard value == nil else { return nil }
        guard let next = rest.first else {
            return "'\(name)' needs a value, '\(name) <\(option.valueName ?? "value")>'"
        }
        guard next.isOption else {
            rest.removeFirst()
            return nil
        }
        return command.option(next) == nil && next != "--"
            ? "'\(name)' needs a value; one that begins with a dash is given as '\(name)=\(next)'"
            : "'\(name)' needs a value before '\(next)', '\(name) <\(option.valueName ?? "value")>'"
    }

    private func unknown(_ word: String) -> String {
        let long = Self.long(word)
        if long == "--" { return "'\(word)' is no option" }
        if command.option(long) != nil { return "'\(word)' is '\(long)', with two dashes" }
        if let command = root.subcommands?.first(where: { $0.shouldDisplay && $0.parsing.option(long) != nil }),
            !path.isEmpty
        {
            return
                "'\(word)' is an option of swiftvmm \(command.commandName), not of swiftvmm \(path.joined(separator: " "))"
        }
        return "there is no option '\(word)'\(Self.guess(long, command.optionWords))"
    }

    /// The option with two dashes that may be meant, without its value.
    private static func long(_ word: String) -> String { "--\(word.drop { $0 == "-" }.prefix { $0 != "=" })" }

    private static func guess(_ word: String, _ words: [String]) -> String {
        let near = Spelling.nearest(to: word, among: words)
        return near.isEmpty ? "" : "; did you mean '\(near.joined(separator: "' or '"))'?"
    }
}

extension CommandDescription {
    /// The one that the words are for where none of its commands is named.
    fileprivate var parsing: CommandDescription { defaultSubcommand.flatMap(subcommand) ?? self }

    fileprivate var commandWords: [String] {
        subcommands?.filter(\.shouldDisplay).map(\.commandName) ?? []
    }

    fileprivate var optionWords: [String] {
        arguments?.flatMap { $0.names ?? [] }.filter { $0.kind == .long }.map(\.word) ?? []
    }
}
