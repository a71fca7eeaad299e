/// What came of a port of a virtio-console.
public struct VirtioPortReport: Sendable, Equatable, Encodable {
    public let name: String
    /// How many bytes were written.
    public let bytes: UInt64
    /// How many bytes were taken from the guest and dropped, because nobody was there to take them.
    public let droppedBytes: UInt64
    /// Why it was closed for good, if it was.
    public let failure: String?
}
