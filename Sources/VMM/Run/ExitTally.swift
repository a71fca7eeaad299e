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
