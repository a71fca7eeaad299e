import Histogram
import KVM

/// How often the guest left, by kind and by place. A count that exists costs no allocation, and a guest can make only so many.
struct ExitTally {
    /// MMIO is counted by page, as many pages as this, and the rest together.
    static let mmioPageLimit = 256

    struct PageKey: Hashable {
        let page: UInt64
        let isWrite: Bool
    }

    private(set) var kinds = [UInt64](repeating: 0, count: ExitKind.allCases.count)
    /// By the port's high byte, where there were any; then by its low byte and the direction, a read before a write.
    private var portPages = [[UInt64]](repeating: [], count: 256)
    private(set) var mmioPages: [PageKey: UInt64] = [:]
    private(set) var otherMMIO: UInt64 = 0

    @discardableResult
    mutating func count(_ exit: VCPUExit) -> ExitKind {
        let kind = ExitKind(exit)
        kinds[kind.rawValue] &+= 1
        switch exit {
        case .portRead(let access): countPort(access.port, place: 0)
        case .portWrite(let access): countPort(access.port, place: 1)
        case .mmioRead(let address, _): countMMIO(PageKey(page: address & ~0xFFF, isWrite: false))
        case .mmioWrite(let address, _, _): countMMIO(PageKey(page: address & ~0xFFF, isWrite: true))
        default: break
        }
        return kind
    }

    /// Counts what another vCPU did as well.
    mutating func add(_ other: ExitTally) {
        for (index, count) in other.kinds.enumerated() { kinds[index] &+= count }
        for (page, counts) in other.portPages.enumerated() where !counts.isEmpty {
            if portPages[page].isEmpty { portPages[page] = [UInt64](repeating: 0, count: 512) }
            for (index, count) in counts.enumerated() { portPages[page][index] &+= count }
        }
        otherMMIO &+= other.otherMMIO
        for (key, count) in other.mmioPages { countMMIO(key, count) }
    }

    private mutating func countPort(_ port: UInt16, place: Int) {
        let page = Int(port >> 8)
        if portPages[page].isEmpty { portPages[page] = [UInt64](repeating: 0, count: 512) }
        portPages[page][Int(port & 0xFF) &* 2 &+ place] &+= 1
    }

    /// Those that were accessed, from low to high, each direction by itself.
    var ports: [(port: UInt16, isWrite: Bool, count: UInt64)] {
        portPages.enumerated().flatMap { page, counts in
            counts.enumerated().compactMap { index, count in
                guard count > 0 else { return nil }
                return (UInt16(truncatingIfNeeded: page << 8 | index >> 1), index & 1 == 1, count)
            }
        }
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
