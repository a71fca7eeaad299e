/// What a loader does with an image that can be booted.
public struct LoadPlan: Equatable, Sendable {
    /// Bytes of the image that go to one place, and the zeros behind them.
    public struct Piece: Equatable, Sendable {
        /// What messages call it.
        public let name: String
        /// In bytes from the image's start.
        public let fileOffset: UInt64
        /// In bytes, and so is `memorySize`; never more than that.
        public let fileSize: UInt64
        /// Guest-physical.
        public let address: UInt64
        /// What is more than `fileSize` is zero.
        public let memorySize: UInt64
    }

    /// The mode that the guest is entered in.
    public let mode: CPUMode
    /// Guest-physical address of the first instruction.
    public let entry: UInt64
    /// In the image's order; they lie in RAM and apart from each other.
    public let pieces: [Piece]
}
