import KVM

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
