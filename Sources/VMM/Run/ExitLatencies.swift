import Histogram

/// How long exits took to handle, by kind: from the moment that KVM_RUN came back to the next time that it is entered. What the
/// kernel takes before and after is not in it.
struct ExitLatencies {
    /// An hour, in nanoseconds: what takes longer counts as that.
    private static let longest: UInt64 = 3_600_000_000_000

    private var histograms = [Histogram<UInt64>?](repeating: nil, count: ExitKind.allCases.count)

    mutating func record(_ kind: ExitKind, nanoseconds: Int64) {
        let value = min(UInt64(clamping: nanoseconds), Self.longest)
        // In place: a copy would be as large as the histogram.
        if histograms[kind.rawValue]?.record(value) == nil {
            var new = Self.makeHistogram()
            _ = new.record(value)
            histograms[kind.rawValue] = new
        }
    }

    mutating func add(_ other: ExitLatencies) {
        for (index, histogram) in other.histograms.enumerated() {
            guard let histogram else { continue }
            var sum = histograms[index] ?? Self.makeHistogram()
            sum.add(histogram)
            histograms[index] = sum
        }
    }

    /// By the names of ``ExitKind``, without those that never came.
    var percentiles: [String: RunReport.Percentiles] {
        var result: [String: RunReport.Percentiles] = [:]
        for kind in ExitKind.allCases {
            guard let histogram = histograms[kind.rawValue], histogram.totalCount > 0 else { continue }
            result[kind.name] = RunReport.Percentiles(
                count: histogram.totalCount, p50: histogram.valueAtPercentile(50),
                p90: histogram.valueAtPercentile(90), p99: histogram.valueAtPercentile(99), max: histogram.maxRecorded)
        }
        return result
    }

    private static func makeHistogram() -> Histogram<UInt64> {
        Histogram(lowestDiscernibleValue: 1, highestTrackableValue: longest, numberOfSignificantValueDigits: .two)
    }
}
