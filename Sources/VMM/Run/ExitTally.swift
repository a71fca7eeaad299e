import KVM

/// How often the guest left, by kind and by place. A count that exists costs no allocation, and a guest can make only so many.
struct ExitTally {
    /// MMIO is counted by page, as many pages as this, and the rest together.
    static let mmioPageLimit = 256

    /// How often a page was accessed in one direction.
    struct MMIOPage {
        /// The page's address, with the lowest bit set for writes.
        fileprivate let key: UInt64
        fileprivate(set) var count: UInt64

        var address: UInt64 { key & ~1 }
        var isWrite: Bool { key & 1 != 0 }
    }

    private(set) var kinds = [UInt64](repeating: 0, count: ExitKind.allCases.count)
    /// By the port's high byte, where there were any; then by its low byte and the direction, a read before a write.
    private var portPages = [[UInt64]](repeating: [], count: 256)
    /// From low to high, a page's reads before its writes. Of so few, the one that counts is found as fast as in a dictionary, whose type
    /// alone would cost a short run a search.
    private(set) var mmioPages: [MMIOPage] = []
    private(set) var otherMMIO: UInt64 = 0

    @discardableResult
    mutating func count(_ exit: VCPUExit) -> ExitKind {
        let kind = ExitKind(exit)
        kinds[kind.rawValue] &+= 1
        switch exit {
        case .portRead(let access): countPort(access.port, place: 0)
        case .portWrite(let access): countPort(access.port, place: 1)
        case .mmioRead(let address, _): countMMIO(address & ~0xFFF)
        case .mmioWrite(let address, _, _): countMMIO(address & ~0xFFF | 1)
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
        for page in other.mmioPages { countMMIO(page.key, page.count) }
    }

    private mutating func countPort(_ port: UInt16, place: Int) {
        let page = Int(port >> 8)
        if portPages[page].isEmpty { portPages[page] = [UInt64](repeating: 0, count: 512) }
        portPages[page][Int(port & 0xFF) &* 2 &+ place] &+= 1
    }

    typealias PortCount = (port: UInt16, isWrite: Bool, count: UInt64)

    /// Those that were accessed, from low to high, each direction by itself.
    var ports: [PortCount] {
        var ports: [PortCount] = []
        for (page, counts) in portPages.enumerated() {
            for (index, count) in counts.enumerated() where count > 0 {
                ports.append((UInt16(truncatingIfNeeded: page << 8 | index >> 1), index & 1 == 1, count))
            }
        }
        return ports
    }

    private mutating func countMMIO(_ key: UInt64, _ count: UInt64 = 1) {
        var (index, end) = (0, mmioPages.count)
        while index < end {
            let middle = (index &+ end) >> 1
            if mmioPages[middle].key < key { index = middle &+ 1 } else { end = middle }
        }
        if index < mmioPages.count, mmioPages[index].key == key {
            mmioPages[index].count &+= count
        } else if mmioPages.count < Self.mmioPageLimit {
            mmioPages.insert(MMIOPage(key: key, count: count), at: index)
        } else {
            otherMMIO &+= count
        }
    }
}
