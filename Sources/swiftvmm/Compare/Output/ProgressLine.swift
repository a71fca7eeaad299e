import Glibc

/// One line on a terminal that tells how far it is. Nothing where standard error is none.
struct ProgressLine {
    private let isShown = isatty(STDERR_FILENO) == 1
    /// What fits beside the first word, on the narrowest terminals in use.
    private static let width = 78

    func show(_ text: String) {
        guard isShown else { return }
        StandardStreams.part("\r\u{1B}[K" + text.prefix(Self.width))
    }

    func clear() {
        guard isShown else { return }
        StandardStreams.part("\r\u{1B}[K")
    }
}
