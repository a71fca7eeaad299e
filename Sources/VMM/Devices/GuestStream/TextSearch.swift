/// Looks for a text in bytes that come one after the other, each of which is looked at once (Knuth, Morris and Pratt's algorithm).
package struct TextSearch {
    private let text: [UInt8]
    /// How many of the text's first bytes still match where its byte of that number does not.
    private let fallback: [Int]
    private var matched = 0

    /// - Parameter text: in UTF-8. An empty one is nowhere.
    package init(for text: some StringProtocol) {
        self.text = Array(text.utf8)
        var fallback = [0, 0]
        var length = 0
        for byte in self.text.dropFirst() {
            while length > 0, self.text[length] != byte { length = fallback[length] }
            if self.text[length] == byte { length += 1 }
            fallback.append(length)
        }
        self.fallback = fallback
    }

    package var isEmpty: Bool { text.isEmpty }

    /// - Returns: whether the text ends with this byte.
    package mutating func ends(with byte: UInt8) -> Bool {
        guard !text.isEmpty else { return false }
        while matched > 0, text[matched] != byte { matched = fallback[matched] }
        if text[matched] == byte { matched += 1 }
        guard matched == text.count else { return false }
        matched = 0
        return true
    }
}
