import Glibc

/// A logarithmic axis over whole decades.
struct LogAxis {
    /// Powers of ten.
    let decades: ClosedRange<Int>

    /// An axis on which the smallest value can still be seen.
    init(_ values: [Double]) {
        let positive = values.filter { $0 > 0 && $0.isFinite }
        let low = log10(positive.min() ?? 1)
        let high = log10(positive.max() ?? 1)
        // A tenth of a decade at least from the beginning.
        let first = Int((low - 0.1).rounded(.down))
        decades = first...Swift.max(first + 1, Int(high.rounded(.up)))
    }

    /// Where a value is, from 0 at the axis's begin to 1 at its end.
    func position(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        let place = (log10(value) - Double(decades.lowerBound)) / Double(decades.count - 1)
        return Swift.min(Swift.max(place, 0), 1)
    }
}
