/// What all rounds of a subject say together, in bytes.
struct MemoryFigures: Encodable {
    /// The proportional set size of all its processes.
    let totalBytes: Spread
    /// What the work itself touched.
    let workBytes: UInt64
    /// The difference.
    let isolationBytes: Spread
    let anonymousBytes: Spread
    let fileBytes: Spread

    /// Nil where there are no rounds.
    init?(_ rounds: [ProportionalMemory], workBytes: UInt64) {
        func spread(_ bytes: (ProportionalMemory) -> UInt64) -> Spread? { Spread(rounds.map { Double(bytes($0)) }) }
        guard let total = spread(\.bytes), let anonymous = spread(\.anonymousBytes), let file = spread(\.fileBytes),
            let own = Spread(rounds.map { Double($0.bytes) - Double(workBytes) })
        else { return nil }
        (totalBytes, anonymousBytes, fileBytes, isolationBytes) = (total, anonymous, file, own)
        self.workBytes = workBytes
    }
}
