/// Which words someone may have meant who typed another one.
enum Spelling {
    /// - Returns: those that are nearest, three at most; none where nothing is near.
    static func nearest(to word: String, among words: [String]) -> [String] {
        let near = words.compactMap { candidate in
            distance(word.lowercased(), candidate.lowercased()).map { (word: candidate, distance: $0) }
        }
        let least = near.map(\.distance).min()
        let nearest = near.filter { $0.distance == least }.map(\.word)
        return nearest.count > 3 ? [] : nearest
    }

    /// Nil for words that are not near: one mistake is, in a long word two, and what begins another word.
    private static func distance(_ typed: String, _ word: String) -> Int? {
        let letters = typed.drop { $0 == "-" }
        if letters.count >= 3, word.hasPrefix(typed) { return 1 }
        let mistakes = mistakes(Array(typed), Array(word))
        return mistakes <= (letters.count < 3 ? 0 : letters.count < 8 ? 1 : 2) ? mistakes : nil
    }

    /// Letters that are too many, missing, wrong, or changed places with the next.
    private static func mistakes(_ a: [Character], _ b: [Character]) -> Int {
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var least = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
