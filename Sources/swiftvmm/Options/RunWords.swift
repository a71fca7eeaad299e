import ArgumentParser
import VMM

/// From the words behind `swiftvmm run` to what they ask for. The library that parses all else takes longer than a tiny guest from
/// start to end, so that it is asked for help, and for messages where these words are not understood, but for nothing else. Its own
/// description of the options is ``RunCommand``; a test compares the two.
enum RunWords {
    /// What an option does with the options, where it takes no value, and where it does.
    enum Action: Sendable {
        case flag(@Sendable (inout RunOptions) -> Void)
        case value(@Sendable (inout RunOptions, String) throws -> Void)
        /// It can be given again, and adds.
        case list(@Sendable (inout RunOptions, String) throws -> Void)

        var isFlag: Bool { if case .flag = self { true } else { false } }
    }

    /// One for each option, in the order of the help.
    static let actions: [(name: String, action: Action)] = [
        ("config", .value { $0.config = $1 }),
        ("mode", .value { $0.mode = try valid($1, TextValue.choice) }),
        ("format", .value { $0.format = try valid($1, TextValue.choice) }),
        ("load", .value { $0.placement.load = try valid($1, TextValue.place) }),
        ("entry", .value { $0.placement.entry = try valid($1, TextValue.place) }),
        ("memory", .value { $0.memory = try valid($1, TextValue.memory) }),
        ("initrd", .list { $0.initrds.append(ModuleOption($1)) }),
        ("cpus", .value { $0.cpus = try parseCount($1) }),
        ("irqchip", .value { $0.irqchip = try valid($1, TextValue.choice) }),
        ("cmdline", .value { $0.cmdline = $1 }),
        ("console", .value { $0.console = try valid($1, TextValue.choice) }),
        ("virtio-console", .value { $0.virtioConsole = try ConsoleEnd.parse($1) }),
        ("virtio-port", .list { $0.virtioPorts.append(try VirtioPort.parse($1)) }),
        ("serial2", .value { $0.serial2 = try ConsoleEnd.parse($1) }),
        ("disk", .list { $0.disks.append(try DiskOption.parse($1)) }),
        ("rng", .flag { $0.hasRNG = true }),
        ("timeout", .value { $0.timeout = try valid(Double($1), TextValue.seconds) }),
        ("grace", .value { $0.grace = try valid(Double($1), TextValue.seconds) }),
        ("expect", .value { $0.expectation = try Expectation.parse($1) }),
        ("success-status", .value { $0.successStatus = try parseStatus($1) }),
        ("no-coalescing", .flag { $0.coalescesSerialOutput = false }),
        ("serial", .value { $0.serial = try ConsoleEnd.parse($1) }),
        (ScreenOption.name, .value { $0.screen = try valid($1, TextValue.choice) }),
        ("no-eventfd", .flag { $0.usesEventFDs = false }),
        ("report", .value { $0.report = $1 }),
        ("trace", .value { $0.trace = $1 }),
    ]

    /// Of an option that is given twice and does not add, the last counts, as for the parser.
    ///
    /// - Parameters:
    ///   - words: without the first, `run`.
    ///   - base: what is asked for without them.
    /// - Returns: nil for words that the parser has an answer to: help, or what is wrong with them.
    /// - Throws: `Failure` for a value that cannot be had.
    static func options(
        _ words: some Collection<String>, over base: RunOptions = RunOptions(image: "")
    ) throws -> RunOptions? {
        var options = base
        var images: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.isOption else {
                images.append(word)
                continue
            }
            if word == "--" {
                images += rest
                break
            }
            guard let option = OptionWord(word), let action = actions.first(where: { $0.name == option.name })?.action
            else { return nil }
            switch action {
            case .flag(let set):
                guard option.value == nil else { return nil }
                set(&options)
            case .value(let set), .list(let set):
                guard option.value != "", let value = option.value ?? rest.popFirst() else { return nil }
                try read(value, of: option.name, isWord: option.value == nil) { try set(&options, value) }
                // It may be an option whose predecessor lacks its value.
                guard option.value != nil || !value.isOption else { return nil }
            }
        }
        guard images.count == 1 || images.isEmpty && options.config != nil, images.first != "" else { return nil }
        options.image = images.first ?? options.image
        return options
    }

    /// - Parameters:
    ///   - isWord: whether the value is a word of its own, and not behind an equals sign.
    ///   - body: sets what the value asks for.
    private static func read(_ value: String, of name: String, isWord: Bool, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ValidationError {
            // A number with a sign is meant as a value, and another word with a dash as an option.
            guard !isWord || !value.isOption || Double(value) != nil else { return }
            throw invalid(value, of: name, error, command: RunOptions.command)
        }
    }

    private static func invalid(_ value: String, of name: String, _ error: ValidationError, command: String) -> Failure
    {
        Misuse.failure("the value '\(value)' is invalid for '--\(name)': \(error.message)", command: command)
    }

    /// Sets what an option of another command asks for that is `run`'s too.
    ///
    /// - Throws: `Failure` for a value that cannot be had.
    static func set(_ name: String, to value: String, in options: inout RunOptions, for command: String) throws {
        do {
            switch actions.first(where: { $0.name == name })?.action {
            case .value(let set), .list(let set): try set(&options, value)
            case .flag(let set): set(&options)
            case nil: break
            }
        } catch let error as ValidationError {
            throw invalid(value, of: name, error, command: command)
        }
    }

    private static func parseCount(_ text: String) throws -> Int {
        guard let count = Int(text), (1...VirtualMachine.vcpuLimit).contains(count) else {
            throw ValidationError("it is not a number from 1 to \(VirtualMachine.vcpuLimit)")
        }
        return count
    }

    private static func parseStatus(_ text: String) throws -> UInt8 {
        guard let status = UInt8(text) else { throw ValidationError("it is not a status from 0 to 255") }
        return status
    }

    /// A value that files that describe a machine have, too.
    private static func valid<Word, Value>(_ word: Word, _ read: (Word) throws(VMMError) -> Value) throws -> Value {
        do throws(VMMError) { return try read(word) } catch { throw ValidationError(error.description) }
    }
}

/// An option with two dashes, as it is typed.
struct OptionWord {
    let name: String
    /// Behind an equals sign.
    let value: String?

    /// Nil for what is none.
    init?(_ word: String) {
        guard word.utf8.starts(with: "--".utf8) else { return nil }
        let parts = word.utf8.dropFirst(2).split(
            separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0]) ?? ""
        value = parts.count == 2 ? String(parts[1]) : nil
        guard !name.isEmpty, !name.hasPrefix("-") else { return nil }
    }
}

extension String {
    /// Whether it begins with a dash, and is more than one.
    var isOption: Bool { utf8.first == UInt8(ascii: "-") && utf8.count > 1 }
}
