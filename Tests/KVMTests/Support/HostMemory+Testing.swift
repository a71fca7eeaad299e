import KVM
import LinuxHost

/// Guest memory as the tests fill it and look at it, between runs.
extension HostMemory {
    func store(_ content: [UInt8], at offset: Int) {
        precondition(offset >= 0 && offset + content.count <= size)
        // SAFETY: the bytes lie inside the mapping, by the line above, and this object keeps it.
        unsafe bytes[offset..<offset + content.count].copyBytes(from: content)
    }

    /// Little-endian.
    func store(words: [UInt64], at offset: Int) {
        store(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }, at: offset)
    }

    func load(_ count: Int, at offset: Int) -> [UInt8] {
        precondition(offset >= 0 && offset + count <= size)
        // SAFETY: as above.
        return unsafe Array(bytes[offset..<offset + count])
    }
}
