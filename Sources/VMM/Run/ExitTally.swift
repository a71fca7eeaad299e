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
    /// Writes that were no exits.
    private(set) var coalescedWrites: UInt64 = 0

    mutating func count(_ exit: VCPUExit) {
        kinds[ExitKind(exit).rawValue] &+= 1
        switch exit {
        case .portRead(let access): ports[PortKey(port: access.port, isWrite: false), default: 0] &+= 1
        case .portWrite(let access): ports[PortKey(port: access.port, isWrite: true), default: 0] &+= 1
        case .mmioRead(let address, _): countMMIO(address, isWrite: false)
        case .mmioWrite(let address, _, _): countMMIO(address, isWrite: true)
        default: break
        }
    }

    mutating func countCoalescedWrite() {
        coalescedWrites &+= 1
    }

    private mutating func countMMIO(_ address: UInt64, isWrite: Bool) {
        let key = PageKey(page: address & ~0xFFF, isWrite: isWrite)
        if mmioPages.count < Self.mmioPageLimit || mmioPages[key] != nil {
            mmioPages[key, default: 0] &+= 1
        } else {
            otherMMIO &+= 1
        }
    }
}
