/// A guest that sleeps by hypercall. Whoever runs its vCPU waits for it, and then answers with ``HypercallDoorbell/finish(_:hasInput:hasInterrupt:)``.
public struct HypercallWait: Equatable, Sendable {
    let request: GuestAddress
    /// How long at most; `UInt64.max` for as long as it takes.
    public let nanoseconds: UInt64
}
