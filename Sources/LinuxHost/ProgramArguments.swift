import CLinuxHost

/// The words that the program was started with. Swift's own `CommandLine` reads them from /proc, and has none where that is not mounted, as in
/// a jail.
public enum ProgramArguments {
    /// All of them, the program's name first; nil where one is no UTF-8, which Swift would repair to another word.
    public static var all: [String]? {
        var words: [String] = []
        for index in 0..<clinux_argument_count() {
            // SAFETY: the system's C strings, which nobody changes.
            guard let word = unsafe String(validatingCString: clinux_argument(index)) else { return nil }
            words.append(word)
        }
        return words
    }
}
