import Histogram

/// How long exits took to handle, by kind: from the moment that KVM_RUN came back to the next time that it is entered. What the
/// kernel takes before and after is not in it.
///
/// The first of each kind are kept as they are, and only the others are in a histogram: its table of 40 KiB, and calls of the library's
/// generic code, would cost a run of a few exits more than all else that its report takes.
struct ExitLatencies {
    /// How many of each kind are kept as they are, unless a test wants another number.
    static let sampleLimit = 64
    /// An hour, in nanoseconds: what takes longer counts as that.
    private static let longest: UInt64 = 3_600_000_000_000

    private let sampleLimit: Int
    private var samples = [[UInt64]](repeating: [], count: ExitKind.allCases.count)
    /// What came after the samples, by kind; empty as long as there is none of any kind.
    private var histograms: [Histogram<UInt64>?] = []

    init(sampleLimit: Int = Self.sampleLimit) {
        self.sampleLimit = sampleLimit
    }

    mutating func record(_ kind: ExitKind, nanoseconds: Int64) {
        record(min(UInt64(clamping: nanoseconds), Self.longest), at: kind.rawValue)
    }

    private mutating func record(_ value: UInt64, at index: Int) {
        if samples[index].count < sampleLimit {
            samples[index].append(value)
        } else {
            beginHistogram(at: index)
            // In place: a copy would be as large as the histogram.
            histograms[index]?.record(value)
        }
    }

    private mutating func beginHistogram(at index: Int) {
        if histograms.isEmpty { histograms = .init(repeating: nil, count: samples.count) }
        guard histograms[index] == nil else { return }
        histograms[index] = Histogram(
            lowestDiscernibleValue: 1, highestTrackableValue: Self.longest, numberOfSignificantValueDigits: .two)
    }

    mutating func add(_ other: ExitLatencies) {
        for (index, values) in other.samples.enumerated() {
            for value in values { record(value, at: index) }
        }
        for (index, histogram) in other.histograms.enumerated() {
            guard let histogram else { continue }
            beginHistogram(at: index)
            histograms[index]?.add(histogram)
        }
    }

    /// By the names of ``ExitKind``, without those that never came.
    var percentiles: [(name: String, value: RunReport.Percentiles)] {
        ExitKind.allCases.compactMap { kind in
            let samples = samples[kind.rawValue]
            guard !histograms.isEmpty, var histogram = histograms[kind.rawValue] else {
                return samples.isEmpty ? nil : (kind.name, RunReport.Percentiles(samples.sorted()))
            }
            for value in samples { histogram.record(value) }
            return (kind.name, RunReport.Percentiles(histogram))
        }
    }
}

extension RunReport.Percentiles {
    fileprivate init(_ histogram: Histogram<UInt64>) {
        self.init(
            count: histogram.totalCount, p50: histogram.valueAtPercentile(50), p90: histogram.valueAtPercentile(90),
            p99: histogram.valueAtPercentile(99), max: histogram.maxRecorded)
    }

    /// Exact ones: each is the least value that so many percent of all do not exceed.
    ///
    /// - Parameter sorted: not empty.
    fileprivate init(_ sorted: [UInt64]) {
        func value(at percent: Int) -> UInt64 { sorted[(sorted.count * percent + 99) / 100 - 1] }
        self.init(
            count: UInt64(sorted.count), p50: value(at: 50), p90: value(at: 90), p99: value(at: 99),
            max: value(at: 100))
    }
}
