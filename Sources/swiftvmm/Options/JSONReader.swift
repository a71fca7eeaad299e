import VMM

/// Why bytes are no JSON, and where.
struct JSONError: Error, Equatable, CustomStringConvertible {
    let line: Int
    /// In bytes, from 1 on.
    let column: Int
    let reason: String

    var description: String { "line \(line), column \(column): \(reason)" }
}

/// Reads JSON (RFC 8259) as a person wrote it: what is wrong is told with its place, a name that is given twice included, which Foundation
/// would neither.
struct JSONReader {
    /// How deep lists and objects may lie in each other.
    private static let depthLimit = 64

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// - Parameter bytes: UTF-8.
    static func value(of bytes: [UInt8]) throws(JSONError) -> DescribedValue {
        var reader = JSONReader(bytes: bytes)
        guard !bytes.starts(with: "\u{FEFF}".utf8) else {
            // Nobody would see it in a message.
            throw reader.error("a byte order mark (U+FEFF) is not a value; save the file without one")
        }
        let value = try reader.readValue()
        reader.skipSpace()
        guard reader.next == nil else { throw reader.unexpected("the end of the file") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private func error(_ reason: String, at place: Int? = nil) -> JSONError {
        let before = bytes[..<(place ?? position)]
        let line = before.count { $0 == 0x0A } + 1
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONError(line: line, column: before.count - start + 1, reason: reason)
    }

    private func unexpected(_ expected: String) -> JSONError {
        let character = String(decoding: bytes[position...].prefix(4), as: UTF8.self).unicodeScalars.first
        let found = character.map { String($0).debugDescription } ?? "the file ends"
        return error(next == nil ? "\(found) where \(expected) should be" : "\(found) is not \(expected)")
    }

    private mutating func readValue() throws(JSONError) -> DescribedValue {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { (reader) throws(JSONError) in .object(try reader.readMembers()) }
        case UInt8(ascii: "["): return try nested { (reader) throws(JSONError) in .list(try reader.readElements()) }
        case UInt8(ascii: "\""): return .text(try readText())
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try readNumber()
        default:
            for (word, value) in [("true", DescribedValue.truth(true)), ("false", .truth(false)), ("null", .null)]
            where bytes[position...].starts(with: word.utf8) {
                position += word.utf8.count
                return value
            }
            throw unexpected("a value")
        }
    }

    private mutating func nested(
        _ read: (inout JSONReader) throws(JSONError) -> DescribedValue
    ) throws(JSONError) -> DescribedValue {
        guard depth < Self.depthLimit else { throw error("lists and objects lie too deep in each other") }
        position += 1
        depth += 1
        defer { depth -= 1 }
        return try read(&self)
    }

    private mutating func readElements() throws(JSONError) -> [DescribedValue] {
        var elements: [DescribedValue] = []
        skipSpace()
        if take("]") { return elements }
        while true {
            elements.append(try readValue())
            skipSpace()
            if take("]") { return elements }
            guard take(",") else { throw unexpected("a comma or ]") }
        }
    }

    private mutating func readMembers() throws(JSONError) -> [String: DescribedValue] {
        var members: [String: DescribedValue] = [:]
        skipSpace()
        if take("}") { return members }
        while true {
            skipSpace()
            let start = position
            guard next == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
            let name = try readText()
            skipSpace()
            guard take(":") else { throw unexpected("a colon") }
            guard members.updateValue(try readValue(), forKey: name) == nil else {
                throw error("\(DescribedValue.text(name).words) is given twice", at: start)
            }
            skipSpace()
            if take("}") { return members }
            guard take(",") else { throw unexpected("a comma or }") }
        }
    }

    private mutating func readNumber() throws(JSONError) -> DescribedValue {
        let start = position
        _ = take("-")
        if !take("0") { try readDigits() }
        if take(".") { try readDigits() }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            try readDigits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let number = UInt64(text) { return .number(number) }
        if let number = Int64(text), number < 0 { return .negative(number) }
        guard let number = Double(text), number.isFinite else { throw error("it is no number", at: start) }
        return DescribedValue(number)
    }

    private mutating func readDigits() throws(JSONError) {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw unexpected("a digit") }
    }

    private mutating func readText() throws(JSONError) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while !take("\"") {
            guard let byte = next else { throw error("these quotes are not closed", at: start) }
            guard byte >= 0x20 else { throw unexpected("a letter of a text, which ends in its line") }
            position += 1
            if byte == UInt8(ascii: "\\") { text += String(try readEscape()).utf8 } else { text.append(byte) }
        }
        guard let text = String(validating: text, as: UTF8.self) else { throw error("it is no UTF-8", at: start) }
        return text
    }

    /// What stands behind a backslash.
    private mutating func readEscape() throws(JSONError) -> Unicode.Scalar {
        let escapes: [(Unicode.Scalar, Unicode.Scalar)] = [
            ("\"", "\""), ("\\", "\\"), ("/", "/"), ("b", "\u{8}"), ("f", "\u{C}"), ("n", "\n"), ("r", "\r"),
            ("t", "\t"),
        ]
        for (letter, meaning) in escapes where take(letter) { return meaning }
        guard take("u") else { throw unexpected("an escape, as \\n or \\u00e9") }
        let start = position
        let unit = try readUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // Half of a pair (RFC 8259 section 7).
        guard unit < 0xDC00, take("\\"), take("u") else { throw error("it is half of a letter", at: start) }
        let low = try readUnit()
        let value = 0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(low) & 0x3FF
        guard low & 0xFC00 == 0xDC00, let scalar = Unicode.Scalar(value) else {
            throw error("it is half of a letter", at: start)
        }
        return scalar
    }

    private mutating func readUnit() throws(JSONError) -> UInt16 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw unexpected("the first of four hexadecimal digits") }
        position += 4
        return unit
    }
}
