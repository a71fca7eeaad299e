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

    /// Written out, as asking for it at run time takes 0.3 ms.
    public var name: String {
        switch self {
        case .portRead: "portRead"
        case .portWrite: "portWrite"
        case .mmioRead: "mmioRead"
        case .mmioWrite: "mmioWrite"
        case .msrRead: "msrRead"
        case .msrWrite: "msrWrite"
        case .halt: "halt"
        case .shutdown: "shutdown"
        case .interrupted: "interrupted"
        case .other: "other"
        }
    }
}

/// How long exits took to handle, by kind: from the moment that KVM_RUN came back to the next time that it is entered. What the
/// kernel takes before and after is not in it.
struct ExitLatencies {
    /// An hour, in nanoseconds: what takes longer counts as that.
    private static let longest: UInt64 = 3_600_000_000_000

    /// A type without parameters: at run time the others cost a search for what they conform to, which takes a short run's time.
    private struct KindHistogram {
        var values = Histogram<UInt64>(
            lowestDiscernibleValue: 1, highestTrackableValue: longest, numberOfSignificantValueDigits: .two)

        var percentiles: RunReport.Percentiles {
            RunReport.Percentiles(
                count: values.totalCount, p50: values.valueAtPercentile(50), p90: values.valueAtPercentile(90),
                p99: values.valueAtPercentile(99), max: values.maxRecorded)
        }
    }

    private var histograms = [KindHistogram?](repeating: nil, count: ExitKind.allCases.count)

    mutating func record(_ kind: ExitKind, nanoseconds: Int64) {
        let value = min(UInt64(clamping: nanoseconds), Self.longest)
        // In place: a copy would be as large as the histogram.
        if histograms[kind.rawValue]?.values.record(value) == nil {
            var new = KindHistogram()
            _ = new.values.record(value)
            histograms[kind.rawValue] = new
        }
    }

    mutating func add(_ other: ExitLatencies) {
        for (index, histogram) in other.histograms.enumerated() {
            guard let histogram else { continue }
            var sum = histograms[index] ?? KindHistogram()
            sum.values.add(histogram.values)
            histograms[index] = sum
        }
    }

    /// By the names of ``ExitKind``, without those that never came.
    var percentiles: [String: RunReport.Percentiles] {
        var result: [String: RunReport.Percentiles] = [:]
        for kind in ExitKind.allCases {
            guard let histogram = histograms[kind.rawValue], histogram.values.totalCount > 0 else { continue }
            result[kind.name] = histogram.percentiles
        }
        return result
    }
}
