/// Bytes that are added at one end and taken at the other. The storage is at most twice as large as what was in it at once.
struct ByteQueue {
    private var storage: [UInt8] = []
    /// How many at the storage's beginning were taken.
    private var head = 0
    /// The place of the first byte among all that were ever added.
    private(set) var start: UInt64 = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }
    /// The place behind the last byte.
    var end: UInt64 { start &+ UInt64(count) }
    /// A copy.
    var bytes: ArraySlice<UInt8> { storage[head...] }

    mutating func append(_ bytes: RawSpan) {
        // SAFETY: the bytes are copied within the call.
        unsafe bytes.withUnsafeBytes { unsafe storage.append(contentsOf: $0) }
    }

    /// Takes all.
    mutating func takeAll() -> [UInt8] { takeFirst(count) }

    /// Takes so many, or all where there are fewer.
    mutating func takeFirst(_ number: Int) -> [UInt8] {
        let number = min(max(0, number), count)
        start &+= UInt64(number)
        if head == 0, number == storage.count {
            defer { storage = [] }
            return storage
        }
        let taken = Array(storage[head..<head + number])
        head += number
        if head > storage.count / 2 {
            storage.removeSubrange(..<head)
            head = 0
        }
        return taken
    }

    /// Calls `body` with each byte, from a place on, until it has found what it looks for.
    ///
    /// - Parameter place: moved behind the last byte that `body` has seen; one that is not here any more is taken for the first.
    /// - Returns: whether it has found it.
    func scan(from place: inout UInt64, until body: (UInt8) -> Bool) -> Bool {
        if place < start { place = start }
        while place < end {
            let byte = storage[head + Int(truncatingIfNeeded: place &- start)]
            place &+= 1
            if body(byte) { return true }
        }
        return false
    }
}
