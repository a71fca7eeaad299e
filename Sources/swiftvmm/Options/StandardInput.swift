import Glibc
import VMM

/// Words that stand for standard input where a guest's file is named.
enum StandardInput {
    /// Where it is for whoever looks at files.
    private static let path = "/dev/stdin"

    static func isNamed(_ word: String) -> Bool { word == "-" || path(of: word) == path }

    /// The path of what a word names.
    static func path(of word: String) -> String {
        ["-", "/dev/fd/0", "/proc/self/fd/0"].contains(word) ? path : word
    }

    /// What a word names, to be read.
    static func source(_ word: String) -> ImageSource {
        isNamed(word) ? .descriptor(STDIN_FILENO, name: word == "-" ? "standard input" : word) : .file(word)
    }
}

extension RunOptions {
    /// The words that a guest's bytes are read from standard input for.
    private var readersOfStandardInput: [String] {
        let files = [(image, image)] + initrds.map { ($0.label, $0.path) }
        return files.filter { StandardInput.isNamed($0.1) }.map(\.0)
    }

    /// Which console gets standard input, if any: it is at its end for all of them where the guest itself comes from there.
    var consoleWithStandardInput: ConsoleDevice? { readersOfStandardInput.isEmpty ? console ?? .uart : nil }

    /// Whether it is the keyboard's beside a screen, although the serial port is connected elsewhere.
    var screenTakesInput: Bool {
        screen != nil && console == nil && serialEnd != .stdio && readersOfStandardInput.isEmpty
    }

    /// There is one standard input.
    func checkStandardInput() throws(Failure) {
        let readers = readersOfStandardInput
        if readers.count > 1 {
            throw Failure(
                status: .usage,
                message: "\(readers[0]) and \(readers[1]) are both read from standard input; give one of them as a file"
            )
        }
        if let reader = readers.first, let console {
            throw Failure(
                status: .usage,
                message:
                    "--console gives the \(console.label.name) standard input, which \(reader) is read from; leave --console out, or give a file"
            )
        }
    }
}
