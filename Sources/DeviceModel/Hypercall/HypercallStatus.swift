/// What the hypercall doorbell answers (docs/hypercall.md). The raw value is the number in the request block.
public enum HypercallStatus: UInt32, CaseIterable, Sendable {
    case done = 0
    case unknownOperation = 1
    /// The buffer is not, or not as a whole, in one stretch of RAM. Nothing was printed or taken.
    case badBuffer = 2
}
