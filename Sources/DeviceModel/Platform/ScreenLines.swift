/// Makes lines of what a text screen shows from look to look: those that scroll off it, and in the end those that are on it.
///
/// What a guest writes over is not told, and of what scrolls by between two looks only what is left. Where lines repeat each other, how far
/// they scrolled is a guess.
public struct ScreenLines: Sendable {
    /// Whether more may have scrolled by than was seen.
    public private(set) var hasGap = false
    private var last: [String] = []

    public init() {}

    /// - Returns: the lines that have left the screen since the last look.
    public mutating func take(_ image: ScreenImage) -> [String] {
        let new = image.lines
        defer { last = new }
        guard !last.isEmpty else {
            hasGap = hasGap || new.count >= ScreenImage.rows - 1
            return []
        }
        if new.isEmpty { return last }
        for distance in 0..<last.count where Self.goesOn(last[distance...], in: new) {
            return Array(last.prefix(distance))
        }
        // Written over, it would have something in common.
        if !zip(last, new).contains(where: { $0 == $1 && !$0.isEmpty }) { hasGap = true }
        return []
    }

    /// Whether lines are the first of others, where the last of them may have become longer.
    private static func goesOn(_ lines: ArraySlice<String>, in others: [String]) -> Bool {
        guard let last = lines.last, others.count >= lines.count, !lines.allSatisfy(\.isEmpty) else { return false }
        return others.starts(with: lines.dropLast()) && others[lines.count - 1].hasPrefix(last)
    }

    /// - Returns: the lines that have left the screen since the last look, and those that are on it.
    public mutating func finish(_ image: ScreenImage) -> [String] { take(image) + image.lines }
}
