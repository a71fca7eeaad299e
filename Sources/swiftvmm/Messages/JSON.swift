/// A value of JSON (RFC 8259), for what is written at the end of each run: Foundation's encoder alone takes a quarter of the time of a
/// tiny guest.
enum JSON {
    case text(String)
    case number(UInt64)
    case signed(Int64)
    case list([JSON])
    /// Members that are nil are left out.
    case object([(name: String, value: JSON?)])

    /// As Foundation writes it: pretty-printed, with sorted names, and a line feed at the end.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4096)
        write(to: &bytes, indentation: 0)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func write(to bytes: inout [UInt8], indentation: Int) {
        switch self {
        case .text(let text): Self.write(text, to: &bytes)
        case .number(let number): bytes += String(number).utf8
        case .signed(let number): bytes += String(number).utf8
        case .list(let values):
            Self.write(values, between: "[", "]", to: &bytes, indentation) { value, bytes in
                value.write(to: &bytes, indentation: indentation + 1)
            }
        case .object(let members):
            let present = members.filter { $0.value != nil }.sorted { $0.name < $1.name }
            Self.write(present, between: "{", "}", to: &bytes, indentation) { member, bytes in
                Self.write(member.name, to: &bytes)
                bytes += " : ".utf8
                member.value?.write(to: &bytes, indentation: indentation + 1)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], between start: String, _ end: String, to bytes: inout [UInt8], _ indentation: Int,
        _ write: (Element, inout [UInt8]) -> Void
    ) {
        bytes += start.utf8
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            newLine(in: &bytes, indentation + 1)
            write(element, &bytes)
        }
        if elements.isEmpty { bytes.append(UInt8(ascii: "\n")) }
        newLine(in: &bytes, indentation)
        bytes += end.utf8
    }

    private static func newLine(in bytes: inout [UInt8], _ indentation: Int) {
        bytes.append(UInt8(ascii: "\n"))
        bytes += repeatElement(UInt8(ascii: " "), count: 2 * indentation)
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case 0x08: bytes += "\\b".utf8
            case 0x09: bytes += "\\t".utf8
            case 0x0A: bytes += "\\n".utf8
            case 0x0C: bytes += "\\f".utf8
            case 0x0D: bytes += "\\r".utf8
            case 0..<0x10: bytes += "\\u000\(String(byte, radix: 16))".utf8
            case 0x10..<0x20: bytes += "\\u00\(String(byte, radix: 16))".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
