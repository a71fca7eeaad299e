/// A member of a gzip file (RFC 1952), with its content as it is (RFC 1951 section 3.2.4, "Non-compressed blocks").
public enum GzipMember {
    /// - Parameter name: of the file that was packed; nil where the header has none.
    public static func stored(_ content: [UInt8], name: String? = nil) -> [UInt8] {
        var bytes: [UInt8] = [0x1F, 0x8B, 8, name == nil ? 0 : 8, 0, 0, 0, 0, 0, 3]
        if let name { bytes += Array(name.utf8) + [0] }
        var rest = content[...]
        repeat {
            let part = rest.prefix(0xFFFF)
            rest = rest.dropFirst(part.count)
            let size = UInt16(part.count)
            bytes.append(rest.isEmpty ? 1 : 0)
            bytes += littleEndian(size) + littleEndian(~size) + part
        } while !rest.isEmpty
        return bytes + littleEndian(checksum(content)) + littleEndian(UInt32(truncatingIfNeeded: content.count))
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// CRC-32 (RFC 1952 section 8).
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0 as UInt32) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xEDB8_8320) }
        }
    }
}
