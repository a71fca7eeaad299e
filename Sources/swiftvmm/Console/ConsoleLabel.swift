/// What messages call an end of a console, and how it is chosen.
struct ConsoleLabel: Equatable, Sendable {
    /// As in "the serial port".
    let name: String
    /// What stands before the end on the command line, as `--serial ` does.
    let option: String
}
