/// A flat image for a guest: code, and data behind it.
struct Image {
    private(set) var bytes: [UInt8]

    init(code: [UInt8]) { bytes = code }

    mutating func put(_ data: [UInt8], at offset: Int) {
        bytes += [UInt8](repeating: 0, count: max(0, offset + data.count - bytes.count))
        bytes.replaceSubrange(offset..<offset + data.count, with: data)
    }

    /// The same for 32-bit words, each with its lowest byte first.
    mutating func put(words: [UInt32], at offset: Int) {
        put(words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }, at: offset)
    }
}
