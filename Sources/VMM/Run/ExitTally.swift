import Histogram
import KVM

/// How often the guest left, by kind and by place. A count that exists costs no allocation, and a guest can make only so many.
struct ExitTally {
    /// MMIO is counted by page, as many pages as this, and the rest together.
    static let mmioPageLimit = 256

    struct PortKey: Hashable {
        let port: UInt16
        let isWrite: Bool
    }

    struct PageKey: Hashable {
        let page: UInt64
        let isWrite: Bool
    }

    private(set) var kinds = [UInt64](repeating: 0, count: ExitKind.allCases.count)
    private(set) var ports: [PortKey: UInt64] = [:]
    private(set) var mmioPages: [PageKey: UInt64] = [:]
    private(set) var otherMMIO: UInt64 = 0

    @discardableResult
    mutating func count(_ exit: VCPUExit) -> ExitKind {
        let kind = ExitKind(exit)
        kinds[kind.rawValue] &+= 1
        switch exit {
        case .portRead(let access): ports[PortKey(port: access.port, isWrite: false), default: 0] &+= 1
        case .portWrite(let access): ports[PortKey(port: access.port, isWrite: true), default: 0] &+= 1
        case .mmioRead(let address, _): countMMIO(PageKey(page: address & ~0xFFF, isWrite: false))
        case .mmioWrite(let address, _, _): countMMIO(PageKey(page: address & ~0xFFF, isWrite: true))
        default: break
        }
        return kind
    }

    /// Counts what another vCPU did as well.
    mutating func add(_ other: ExitTally) {
        for (index, count) in other.kinds.enumerated() { kinds[index] &+= count }
        ports.merge(other.ports, uniquingKeysWith: &+)
        otherMMIO &+= other.otherMMIO
        for (key, count) in other.mmioPages { countMMIO(key, count) }
    }

    private mutating func countMMIO(_ key: PageKey, _ count: UInt64 = 1) {
        if mmioPages.count < Self.mmioPageLimit || mmioPages[key] != nil {
            mmioPages[key, default: 0] &+= count
        } else {
            otherMMIO &+= count
        }
    }
}

/// The kinds that exits are counted by.
public enum ExitKind: Int, CaseIterable, Sendable {
    case portRead
    case portWrite
    case mmioRead
    case mmioWrite
    case msrRead
    case msrWrite
    case halt
    case shutdown
    case interrupted
    case other

    init(_ exit: VCPUExit) {
        switch exit {
        case .portRead: self = .portRead
        case .portWrite: self = .portWrite
        case .mmioRead: self = .mmioRead
        case .mmioWrite: self = .mmioWrite
        case .msrRead: self = .msrRead
        case .msrWrite: self = .msrWrite
        case .halt: self = .halt
        case .shutdown: self = .shutdown
        case .interrupted: self = .interrupted
        default: self = .other
        }
    }

    public var name: String { "\(self)" }
}

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
