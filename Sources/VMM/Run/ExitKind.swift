import KVM

/// The kinds that exits are counted by.
public enum ExitKind: Int, CaseIterable, Sendable {
    case portRead
    case portWrite
    case mmioRead
    case mmioWrite
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
        case .halt: self = .halt
        case .shutdown: self = .shutdown
        case .interrupted: self = .interrupted
        default: self = .other
        }
    }

    public var name: String { "\(self)" }
}
