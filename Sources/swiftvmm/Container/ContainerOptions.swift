import Glibc

/// The words `compare contain PROGRAM …`, which `compare` itself uses and no user calls. They need no parser, whose time would
/// count as the container's.
struct ContainerOptions {
    static let name = "contain"

    private let words: [String]

    /// Nil for anything else.
    init?(words: [String]) {
        guard words.count >= 3, words[0] == CompareCommand.name, words[1] == Self.name else { return nil }
        self.words = Array(words.dropFirst(2))
    }

    func run() throws(Failure) -> Never {
        exit(try Container(words: words).run())
    }
}
