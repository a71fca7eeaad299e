/// The characters of a PC's screen (IBM code page 437) as UTF-8.
enum CodePage437 {
    private static let low = Array(" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼".unicodeScalars)
    private static let high = Array(
        ("⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
            + "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}").unicodeScalars)

    /// Prints a character as a teletype does: bell, backspace, line feed and carriage return are themselves, and all others letters.
    static func print(_ character: UInt8, to console: any ByteSink) {
        switch character {
        case 0x07, 0x08, 0x0A, 0x0D, 0x20..<0x7F: console.write(character)
        default: for byte in String(scalar(character)).utf8 { console.write(byte) }
        }
    }

    /// What it looks like.
    static func scalar(_ character: UInt8) -> Unicode.Scalar {
        switch character {
        case 0x20..<0x7F: Unicode.Scalar(character)
        case 0..<0x20: low[Int(character)]
        default: high[Int(character &- 0x7F)]
        }
    }
}
