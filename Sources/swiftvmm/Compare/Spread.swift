/// Several measurements of one thing: the middle one, and how far they reach.
struct Spread: Encodable, Equatable {
    let median: Double
    let min: Double
    let max: Double

    /// - Returns: nil where there is nothing.
    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        (median, min, max) = ((low + high) / 2, first, last)
    }
}
