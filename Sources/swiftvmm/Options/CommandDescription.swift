import ArgumentParser
import FoundationEssentials

/// A command as the parser describes it: what it is called, what it takes, and which commands it has. It is asked for where words are
/// wrong, and by what is made of it, such as the manual page.
struct CommandDescription: Decodable {
    struct Argument: Decodable {
        struct Name: Decodable, Equatable {
            enum Kind: String, Decodable {
                case long, short, longWithSingleDash
            }

            let kind: Kind
            let name: String

            /// As it is typed.
            var word: String { kind == .long ? "--\(name)" : "-\(name)" }
        }

        enum Kind: String, Decodable {
            case positional, option, flag
        }

        let kind: Kind
        let names: [Name]?
        let isOptional: Bool
        let isRepeating: Bool
        let shouldDisplay: Bool
        let valueName: String?
        let abstract: String?
        let allValues: [String]?
        let sectionTitle: String?
    }

    let commandName: String
    let abstract: String?
    let discussion: String?
    let shouldDisplay: Bool
    let arguments: [Argument]?
    let subcommands: [CommandDescription]?
    let defaultSubcommand: String?

    /// `swiftvmm` itself.
    static var root: CommandDescription {
        get throws {
            struct Content: Decodable {
                let command: CommandDescription
            }
            return try JSONDecoder().decode(Content.self, from: Data(RootCommand._dumpHelp().utf8)).command
        }
    }

    func subcommand(_ name: String) -> CommandDescription? {
        subcommands?.first { $0.commandName == name }
    }

    /// The options by the words that they are typed as.
    func option(_ word: String) -> Argument? {
        arguments?.first { $0.names?.contains { $0.word == word } == true }
    }

    /// How many words it takes beside its options.
    var positionalLimit: Int {
        let positionals = arguments?.filter { $0.kind == .positional } ?? []
        return positionals.contains { $0.isRepeating } ? .max : positionals.count
    }
}
