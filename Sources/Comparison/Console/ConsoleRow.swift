/// What was measured of one subject.
struct ConsoleRow: Encodable {
    private enum CodingKeys: String, CodingKey {
        case technique, name, kind, bufferBytes, bytesPerSecond, nanosecondsPerByte, exitsPerByte, cpuSecondsPerGiB
        case exitLatency, ratioToUARTBlind, ratioToPlainProcess, rounds
    }

    /// Of the kind of exit that came most often, in nanoseconds.
    struct Latency: Encodable {
        let kind: String
        let p50: Double
        let p99: Double
        let max: Double
    }

    let subject: ConsoleSubject
    let rounds: [ConsoleRound]
    let bytesPerSecond: Spread
    let exitsPerByte: Double?
    let cpuSecondsPerGiB: Double
    let latency: Latency?
    /// How many times the bytes per second of UART blind with each byte an exit.
    let ratioToBlind: Double?
    /// The same of a plain process with the same buffers.
    let ratioToPlain: Double?

    var nanosecondsPerByte: Double { 1e9 / bytesPerSecond.median }

    /// - Parameters:
    ///   - blind: bytes per second of the one to compare with, by round.
    ///   - plain: the same of the other.
    /// - Returns: nil where there are no rounds.
    init?(_ subject: ConsoleSubject, rounds: [ConsoleRound], blind: [Double]?, plain: [Double]?) {
        guard let rates = Spread(rounds.map(\.bytesPerSecond)),
            let cpu = Spread(rounds.map { $0.cpuSeconds / Double($0.byteCount) })
        else { return nil }
        self.subject = subject
        self.rounds = rounds
        bytesPerSecond = rates
        cpuSecondsPerGiB = cpu.median * Double(1 << 30)
        let exits = rounds.compactMap(\.exits)
        exitsPerByte = Spread(zip(exits, rounds).map { Double($0.count) / Double($1.byteCount) })?.median
        let kind = Dictionary(grouping: exits.compactMap(\.mainKind)) { $0 }.max { $0.value.count < $1.value.count }?
            .key
        let main = exits.filter { $0.mainKind == kind }
        if let kind, let p50 = Spread(main.compactMap { $0.p50.map { Double($0) } }),
            let p99 = Spread(main.compactMap { $0.p99.map { Double($0) } }),
            let max = main.compactMap(\.max).max()
        {
            latency = Latency(kind: kind, p50: p50.median, p99: p99.median, max: Double(max))
        } else {
            latency = nil
        }
        let own = rounds.map(\.bytesPerSecond)
        func ratio(to others: [Double]?) -> Double? { others.flatMap { Spread(zip(own, $0).map { $0 / $1 })?.median } }
        ratioToBlind = ratio(to: blind)
        ratioToPlain = ratio(to: plain)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(subject.technique, forKey: .technique)
        try container.encode(subject.technique.name, forKey: .name)
        try container.encode(subject.technique.kind, forKey: .kind)
        if subject.technique.hasBuffers { try container.encode(subject.buffer, forKey: .bufferBytes) }
        try container.encode(bytesPerSecond, forKey: .bytesPerSecond)
        try container.encode(nanosecondsPerByte, forKey: .nanosecondsPerByte)
        try container.encodeIfPresent(exitsPerByte, forKey: .exitsPerByte)
        try container.encode(cpuSecondsPerGiB, forKey: .cpuSecondsPerGiB)
        try container.encodeIfPresent(latency, forKey: .exitLatency)
        try container.encodeIfPresent(ratioToBlind, forKey: .ratioToUARTBlind)
        try container.encodeIfPresent(ratioToPlain, forKey: .ratioToPlainProcess)
        try container.encode(rounds, forKey: .rounds)
    }
}

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
