@testable import swiftvmm

/// The manual page that the parser's description of a command makes, for man(1), in the macros of man(7).
struct ManualPage {
    private var lines: [String] = []
    var text: String { lines.joined(separator: "\n") + "\n" }

    init(_ root: CommandDescription, version: String) {
        lines.append(
            ".\\\" Made by scripts/manual of what swiftvmm --experimental-dump-help tells; change that instead.")
        lines.append(".TH \(root.commandName.uppercased()) 1 \"\" \"\(version)\"")
        lines += [".SH NAME", "\(root.commandName) \\- \(Self.escape(root.abstract ?? ""))", ".SH SYNOPSIS"]
        let commands = Self.leaves(of: root, path: [])
        for (path, command) in commands { addSynopsis(command, path) }
        lines += [".SH DESCRIPTION"]
        for (path, command) in commands { addDescription(command, path) }
    }

    /// The commands that do something, with the words that name them.
    private static func leaves(
        of command: CommandDescription, path: [String]
    ) -> [(path: String, command: CommandDescription)] {
        let path = path + [command.commandName]
        let shown = (command.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
        if shown.isEmpty { return [(path.joined(separator: " "), command)] }
        return shown.flatMap { leaves(of: $0, path: path) }
    }

    private mutating func addSynopsis(_ command: CommandDescription, _ path: String) {
        lines += [".B \(Self.escape(path))"]
        for argument in command.shown {
            let words = Self.words(argument)
            lines.append((argument.isOptional ? "[\(words)]" : words) + (argument.isRepeating ? "..." : ""))
        }
        lines.append(".br")
    }

    private mutating func addDescription(_ command: CommandDescription, _ path: String) {
        lines.append(".SS \"\(Self.escape(path))\"")
        add(paragraphs: [command.abstract, command.discussion].compactMap(\.self).joined(separator: "\n\n"))
        var section: String?
        for argument in command.shown {
            if argument.sectionTitle != section, let title = argument.sectionTitle {
                add(paragraphs: title + ":")
                section = title
            }
            lines += [".TP", Self.words(argument), Self.escape(argument.abstract ?? "")]
            if let values = argument.allValues {
                lines.append("Values: \(Self.escape(values.joined(separator: ", "))).")
            }
        }
    }

    /// What is typed in bold, and what stands for a value in italics.
    private static func words(_ argument: CommandDescription.Argument) -> String {
        let option = argument.names?.last.map { "\\fB\(escape($0.word))\\fR" }
        let value = argument.kind == .flag ? nil : "\\fI\(escape(argument.valueName ?? "value"))\\fR"
        return [option, value].compactMap(\.self).joined(separator: " ")
    }

    private mutating func add(paragraphs: String) {
        for paragraph in paragraphs.split(separator: "\n\n") { lines += [".PP", Self.escape(String(paragraph))] }
    }

    private static func escape(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}

extension CommandDescription {
    /// Without those that every command has.
    fileprivate var shown: [Argument] {
        (arguments ?? []).filter { argument in
            argument.shouldDisplay && argument.names?.contains { ["help", "version"].contains($0.name) } != true
        }
    }
}
