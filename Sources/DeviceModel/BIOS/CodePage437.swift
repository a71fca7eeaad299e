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
        default:
            let scalars = character < 0x20 ? low : high
            let index = Int(character < 0x20 ? character : character &- 0x7F)
            guard scalars.indices.contains(index) else { return }
            for byte in String(scalars[index]).utf8 { console.write(byte) }
        }
    }
}
