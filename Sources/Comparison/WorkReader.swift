/// Reads what a work prints, and takes the times. It is the same for every subject.
struct WorkReader {
    /// How much of what is too much is read, for a message to show.
    private static let longestComplaint = 64

    private let byteCount: Int
    private let start: ContinuousClock.Instant
    /// When it is given up.
    let end: ContinuousClock.Instant
    private var bytes: [UInt8] = []
    /// In seconds from the start; 0 where nothing came.
    private(set) var firstByte = 0.0
    private(set) var lastByte = 0.0
    /// Whether it was given up before its end.
    private(set) var isLate = false

    /// - Parameters:
    ///   - byteCount: how much it prints.
    ///   - patience: how long after the start it is given up, in seconds.
    init(start: ContinuousClock.Instant, byteCount: Int, patience: Double = ComparedProcess.patience) {
        self.start = start
        self.byteCount = byteCount
        end = start + .seconds(patience)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    var secondsSinceStart: Double { (ContinuousClock.now - start) / .seconds(1) }

    /// What was printed, as far as a message can show it: one line of plain characters.
    var shownText: String {
        let line = bytes.prefix { $0 != 0x0A }.prefix(60)
        return String(decoding: line.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    /// Reads until the end, or until it is clear that it prints something else.
    ///
    /// - Parameter look: at its memory, once it has printed all; then it gets the input that it waits for.
    mutating func read(
        _ process: ComparedProcess, memory look: (() -> ProportionalMemory)? = nil
    ) throws(ComparisonError) -> ProportionalMemory? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var memory: ProportionalMemory?
        while bytes.count <= byteCount + Self.longestComplaint {
            guard try process.output.waitForBytes(until: end) else {
                isLate = true
                return memory
            }
            let count = try process.output.read(into: &buffer)
            guard count > 0 else { break }
            let now = secondsSinceStart
            if bytes.isEmpty { firstByte = now }
            lastByte = now
            bytes += buffer[..<count]
            if let look, memory == nil, bytes.count == byteCount {
                memory = look()
                process.input?.send([0x0A])
            }
        }
        return memory
    }
}
