/// What a guest can ask of the hypercall doorbell (docs/hypercall.md). The raw value is the number in the request block.
public enum HypercallOperation: UInt32, CaseIterable, Sendable {
    /// Tells the version, which says which operations there are.
    case discover = 0
    /// Prints a buffer.
    case write = 1
    /// Fills a buffer with input that has come, without waiting.
    case read = 2
    /// Sleeps until there is input, or for a time.
    case wait = 3
    /// Ends the run.
    case exit = 4
}
