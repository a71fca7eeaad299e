/// What the keys of a US keyboard give: scan codes of set 1 (IBM PC/AT Technical Reference, section 4), and by them what the BIOS puts
/// into its ring, a scan code in the high byte and a character in the low one (section 5, "Keyboard Encoding and Usage").
enum KeyCodes {
    enum Modifier {
        case plain, control, alt
    }

    /// Of one key without a prefix. A word is nil where the key gives nothing.
    private struct Words {
        var plain: UInt16?
        var shifted: UInt16?
        var control: UInt16?
        var alt: UInt16?
    }

    static let leftShift: UInt8 = 0x2A
    static let control: UInt8 = 0x1D
    static let escape: UInt8 = 0x01
    static let backspace: UInt8 = 0x0E
    static let enter: UInt8 = 0x1C

    /// A run of keys beside each other: the first one's scan code, and their characters without and with Shift.
    private static let rows: [(first: UInt8, plain: String, shifted: String)] = [
        (0x02, "1234567890-=", "!@#$%^&*()_+"),
        (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
        (0x1E, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
        (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
        (0x37, "*", "*"),
        (0x39, " ", " "),
        (0x4A, "-", "-"),
        (0x4E, "+", "+"),
    ]

    /// Characters with Ctrl, for keys that are no letters.
    private static let controls: [UInt8: UInt8] = [
        UInt8(ascii: "2"): 0, UInt8(ascii: "6"): 0x1E, UInt8(ascii: "-"): 0x1F, UInt8(ascii: "["): 0x1B,
        UInt8(ascii: "\\"): 0x1C, UInt8(ascii: "]"): 0x1D, UInt8(ascii: " "): 0x20,
    ]

    /// The block of digits and arrows: scan codes from 0x47 on, with Shift or Num Lock the digit, with Ctrl a code of its own.
    private static let block: [(digit: Character, control: UInt8)] = [
        ("7", 0x77), ("8", 0x8D), ("9", 0x84), ("-", 0x8E), ("4", 0x73), ("5", 0x8F), ("6", 0x74), ("+", 0x90),
        ("1", 0x75), ("2", 0x91), ("3", 0x76), ("0", 0x92), (".", 0x93),
    ]

    private static let table: [UInt8: Words] = {
        var table: [UInt8: Words] = [
            escape: Words(plain: 0x011B, shifted: 0x011B, control: 0x011B, alt: 0x0100),
            backspace: Words(plain: 0x0E08, shifted: 0x0E08, control: 0x0E7F, alt: 0x0E00),
            0x0F: Words(plain: 0x0F09, shifted: 0x0F00, control: 0x9400, alt: 0xA500),
            enter: Words(plain: 0x1C0D, shifted: 0x1C0D, control: 0x1C0A, alt: 0x1C00),
            0x57: Words(plain: 0x8500, shifted: 0x8700, control: 0x8900, alt: 0x8B00),
            0x58: Words(plain: 0x8600, shifted: 0x8800, control: 0x8A00, alt: 0x8C00),
        ]
        for (index, key) in block.enumerated() {
            let code = 0x47 + UInt8(index)
            table[code] = Words(
                plain: word(code, 0), shifted: word(code, key.digit.asciiValue ?? 0), control: word(key.control, 0))
        }
        for row in rows {
            var code = row.first
            for (plain, shifted) in zip(row.plain.utf8, row.shifted.utf8) {
                let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(plain)
                let control = isLetter ? plain & 0x1F : controls[plain]
                table[code] = Words(
                    plain: word(code, plain), shifted: word(code, shifted), control: control.map { word(code, $0) },
                    alt: code <= 0x0D ? word(code + 0x76, 0) : word(code, 0))
                code += 1
            }
        }
        table[0x37]?.control = 0x9600
        table[0x4A]?.control = 0x8E00
        table[0x4E]?.control = 0x9000
        table[0x39]?.alt = 0x3920
        for index in UInt8(0)..<10 {
            table[0x3B + index] = Words(
                plain: word(0x3B + index, 0), shifted: word(0x54 + index, 0), control: word(0x5E + index, 0),
                alt: word(0x68 + index, 0))
        }
        return table
    }()

    private static func word(_ code: UInt8, _ character: UInt8) -> UInt16 { UInt16(low: character, high: code) }

    /// What a key puts into the ring; nil for nothing.
    ///
    /// - Parameter isExtended: whether its scan code came behind E0h: one of those keys that the first keyboards had not.
    static func word(
        for key: UInt8, isExtended: Bool, _ modifier: Modifier, isShifted: Bool, isCapsLocked: Bool,
        isNumberLocked: Bool
    ) -> UInt16? {
        if isExtended, key == enter {
            return modifier == .alt ? 0xA600 : modifier == .control ? 0xE00A : 0xE00D
        }
        if isExtended, key == 0x35 {
            return modifier == .alt ? 0xA400 : modifier == .control ? 0x9500 : 0xE02F
        }
        guard let words = table[key] else { return nil }
        let isBlock = (0x47...0x53).contains(key)
        if isExtended, isBlock {
            if modifier == .alt { return word(key &+ 0x50, 0) }
            let found = modifier == .control ? words.control : words.plain
            return found.map { $0 | 0xE0 }
        }
        switch modifier {
        case .alt: return words.alt
        case .control: return words.control
        case .plain:
            let character = (words.plain ?? 0).low
            let isTurned =
                (isNumberLocked && isBlock)
                || (isCapsLocked && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character))
            return isShifted != isTurned ? words.shifted : words.plain
        }
    }

    /// How a character is typed: the key, and what is held meanwhile.
    static let strokes: [UInt8: (key: UInt8, held: UInt8?)] = {
        // What a terminal sends for Enter and the backspace key, and the end of a line in a file.
        var strokes: [UInt8: (key: UInt8, held: UInt8?)] = [0x0A: (enter, nil), 0x7F: (backspace, nil)]
        // The keys of letters before the block of digits.
        for key in UInt8(0x01)...0x39 {
            guard let words = table[key] else { continue }
            for (word, held) in [(words.plain, nil), (words.shifted, leftShift)] {
                guard let word, word.low != 0, strokes[word.low] == nil else { continue }
                strokes[word.low] = (key, held)
            }
        }
        for key in UInt8(0x01)...0x39 {
            guard let word = table[key]?.control, word.high == key, strokes[word.low] == nil else { continue }
            strokes[word.low] = (key, control)
        }
        return strokes
    }()
}

/// Turns what a terminal or a file gives into scan codes, as if someone typed it.
package enum Keystrokes {
    /// How many bytes one key can be.
    package static let longest = 8

    /// Of keys that a terminal sends as escape sequences (ECMA-48 section 5.4; xterm, "PC-Style Function Keys"): the last byte, or the
    /// number before a tilde.
    private static let named: [UInt8: UInt8] = [
        UInt8(ascii: "A"): 0x48, UInt8(ascii: "B"): 0x50, UInt8(ascii: "C"): 0x4D, UInt8(ascii: "D"): 0x4B,
        UInt8(ascii: "H"): 0x47, UInt8(ascii: "F"): 0x4F,
        UInt8(ascii: "P"): 0x3B, UInt8(ascii: "Q"): 0x3C, UInt8(ascii: "R"): 0x3D, UInt8(ascii: "S"): 0x3E,
    ]
    private static let numbered: [Int: UInt8] = [
        1: 0x47, 2: 0x52, 3: 0x53, 4: 0x4F, 5: 0x49, 6: 0x51, 7: 0x47, 8: 0x4F, 11: 0x3B, 12: 0x3C, 13: 0x3D, 14: 0x3E,
        15: 0x3F, 17: 0x40, 18: 0x41, 19: 0x42, 20: 0x43, 21: 0x44, 23: 0x57, 24: 0x58,
    ]

    /// Takes the next key from the front of what came.
    ///
    /// - Returns: its scan codes, with those of the release; empty for what no key of a US keyboard gives.
    package static func takeKey(from bytes: inout ArraySlice<UInt8>) -> [UInt8] {
        if let (key, count) = escapeSequence(bytes) {
            bytes = bytes.dropFirst(count)
            guard let key else { return [] }
            // Function keys have no prefix.
            let isExtended = (0x47...0x53).contains(key)
            return isExtended ? [0xE0, key, 0xE0, key | 0x80] : [key, key | 0x80]
        }
        guard let byte = bytes.popFirst(), let stroke = KeyCodes.strokes[byte] else { return [] }
        let codes = [stroke.key, stroke.key | 0x80]
        guard let held = stroke.held else { return codes }
        return [held] + codes + [held | 0x80]
    }

    /// A whole escape sequence at the front: its key, nil for one that is not known, and its length. An escape alone is a key itself.
    private static func escapeSequence(_ bytes: ArraySlice<UInt8>) -> (key: UInt8?, count: Int)? {
        let start = Array(bytes.prefix(longest))
        guard start.count >= 3, start[0] == 0x1B, start[1] == UInt8(ascii: "[") || start[1] == UInt8(ascii: "O") else {
            return nil
        }
        guard let end = start[2...].firstIndex(where: { (0x40...0x7E).contains($0) }) else { return nil }
        let parameters = start[2..<end]
        guard parameters.allSatisfy({ (0x30...0x3B).contains($0) }) else { return nil }
        // What follows a semicolon says which keys are held, which nobody is told.
        let number = Int(String(decoding: parameters.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self))
        let key = start[end] == UInt8(ascii: "~") ? number.flatMap { numbered[$0] } : named[start[end]]
        return (key, end + 1)
    }
}
