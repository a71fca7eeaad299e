/// One run of one subject, all bytes of which arrived as they should.
struct ConsoleRound: Encodable, Equatable {
    var byteCount: UInt64
    /// From the first byte's arrival to the last byte's, in seconds.
    var streamSeconds: Double
    /// Bytes that arrived in that time.
    var timedByteCount: UInt64
    /// From before the process's start until after its end, in seconds.
    var wholeSeconds: Double
    /// Processor time of the whole process.
    var cpuSeconds: Double
    /// What KVM reported; nil for a plain process.
    var exits: Exits?

    struct Exits: Encodable, Equatable {
        var count: UInt64
        var byKind: [String: UInt64]
        /// Writes that waited in the kernel's ring and were no exits.
        var coalescedWrites: UInt64
        /// Doorbells of a virtio device that were exits; nil where there is none.
        var doorbells: UInt64?
        /// The kind that came most often, among those whose latency is known.
        var mainKind: String?
        /// How long exits of that kind took to handle, in nanoseconds.
        var p50: UInt64?
        var p99: UInt64?
        var max: UInt64?
    }

    var bytesPerSecond: Double { Double(timedByteCount) / streamSeconds }

    /// What is not the stream: start and end, in seconds.
    var overhead: Double { wholeSeconds - streamSeconds }
}
